"""From images with masks and settings to a segmenter that is ready to be trained."""

from typing import Any

from torch import nn

from lingon.core.seed import seed_everything
from lingon.data.batches import Augments, RandomFlip, RandomShift
from lingon.data.batches.images import Augment
from lingon.data.masked_images import MaskedSplits
from lingon.kernels.allocator import keep_freed_memory
from lingon.models.registry import build, get_entry, name_of
from lingon.tasks.model_options import FROM_IMAGES, OF_MODELS, parse_sizes
from lingon.tasks.own_weights import started_model, with_new_head
from lingon.tasks.segment.held_out import HeldOut
from lingon.tasks.segment.objective import SegmentObjective, segment_loss
from lingon.tasks.segment.segmenter import Segmenter
from lingon.tasks.segment.settings import Settings
from lingon.tasks.settings import filled_in
from lingon.tasks.training import TrainContext, Training

SHIFT = 8  # an image is shifted by up to an eighth of its size


def prepare(data: MaskedSplits, settings: Settings, context: TrainContext) -> Training:
    """Return a segmenter, with fresh weights or those that the context names, ready to be trained."""
    keep_freed_memory()
    seed_everything(settings.seed)
    size = data.train.pixels.shape[1]
    task = Segmenter(_model(data.train.classes, settings, context), data.train.classes, size)
    task.model.to(context.device)
    batches = task.batches(
        data.train,
        filled_in(settings.batch_size),
        moves=moves_of(settings.augment, size),
        seed=settings.seed,
        rank=context.world.rank,
        world=context.world.size,
    )
    evaluate, held_out = task.evaluator(data.valid), HeldOut(task, data.test)
    return Training(
        task=task,
        module=SegmentObjective(task.model, settings.dice_weight),
        batches=batches,
        loss=segment_loss,
        evaluator=lambda module: evaluate(module.get_submodule("model")),
        metric=settings.metric,
        test=held_out.scores,
        models={"model": name_of(task.model)},
        facts={"data": data.source},
        report=held_out.report,
        sample=held_out.extremes,
    )


def _model(classes: list[str], settings: Settings, context: TrainContext) -> nn.Module:
    """A fresh model, or that of the context: with its head where its classes are these, in this order."""
    if context.pretrained is None:
        return build(settings.model, _options(settings, classes))
    source, name = context.pretrained.take(), context.pretrained.name
    if classes == source.classes:  # a mask holds their numbers
        return started_model(source.model, settings.dropout)[0]
    return with_new_head(source.model, source.classes, len(classes), name, settings.dropout, "classes")


def moves_of(augment: str, size: int) -> Augment | None:
    """Return the augmentation of a setting such as "flip,shift", of images and masks of this size; None for "none"."""
    known: dict[str, Augment] = {"flip": RandomFlip(), "shift": RandomShift(max(1, size // SHIFT))}
    parts = [known[name] for name in augment.split(",") if name != "none"]
    return Augments(parts) if parts else None


def _options(settings: Settings, classes: list[str]) -> dict[str, Any]:
    entry = get_entry(settings.model)
    given = {name: getattr(settings, name, None) for name in OF_MODELS if name in entry.options}
    chosen = {name: value for name, value in given.items() if value is not None}
    return {"classes": len(classes)} | chosen | parse_sizes(settings.set or [], FROM_IMAGES)
