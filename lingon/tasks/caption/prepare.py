"""From captioned images and settings to a captioner that is ready to be trained."""

from typing import TYPE_CHECKING

from lingon.core.seed import seed_everything
from lingon.data.batches import Augment, Augments, RandomFlip, RandomShift
from lingon.kernels.allocator import keep_freed_memory
from lingon.metrics.translation import corpus_bleu
from lingon.models.registry import DataStats, build, name_of
from lingon.tasks.caption.captioner import Captioner
from lingon.tasks.caption.encoding import encode_captions, tell_left_out
from lingon.tasks.caption.held_out import HeldOut
from lingon.tasks.caption.objective import CaptionObjective, caption_loss
from lingon.tasks.caption.settings import Settings
from lingon.tasks.model_options import model_options
from lingon.tasks.own_weights import refuse_other_size, started_model
from lingon.tasks.settings import filled_in
from lingon.tasks.training import TrainContext, Training
from lingon.tasks.translate.vocabularies import END, with_end

if TYPE_CHECKING:
    from lingon.data.captioned_images import CaptionSplits

SHIFT = 16  # an image is moved by up to a sixteenth of its side


def prepare(data: "CaptionSplits", settings: Settings, context: TrainContext) -> Training:
    """Return a captioner, with fresh weights or those that the context names, ready to be trained."""
    corpus_bleu(["a"], ["a"])  # so that what it needs is missed now, and not after an hour
    keep_freed_memory()
    task = _fresh(data, settings, context) if context.pretrained is None else _started(data, settings, context)
    task.model.to(context.device)
    encoded = encode_captions(task, data.train)
    if context.world.rank == 0:
        tell_left_out(encoded)
    batches = encoded.batches(
        task.model.pad_id,
        filled_in(settings.batch_size),
        augmentation(settings.augment, task.size),
        settings.seed,
        context.world.rank,
        context.world.size,
    )
    held_out = HeldOut(task, data.train, data.test)
    return Training(
        task=task,
        module=CaptionObjective(task.model, settings.label_smoothing),
        batches=batches,
        loss=caption_loss,
        evaluator=task.evaluator(data.valid),
        metric=settings.metric,
        test=held_out.scores,
        models={"model": name_of(task.model)},
        facts={"data": data.source, "too_long": encoded.left_out, "padding": batches.padding},
        report=held_out.report,
        sample=held_out.sample,
    )


def augmentation(name: str, size: int) -> Augment | None:
    """Return the change of training images that a setting names; None for none."""
    if name == "none":
        return None
    shift = RandomShift(max(1, size // SHIFT), fill=1.0)
    return shift if name == "shift" else Augments([shift, RandomFlip()])


def _fresh(data: "CaptionSplits", settings: Settings, context: TrainContext) -> Captioner:
    size = max(1, settings.vocab - 1)  # of what is trained, beside the end token
    tokenizer = with_end(context.tokenizer(settings.tokenizer, lambda: data.train.texts, size))
    end = tokenizer.vocab[END]
    more = {"image_size": data.train.pixels.shape[1], "pad_id": tokenizer.pad_id, "start_id": end, "eos_id": end}
    seed_everything(settings.seed)
    options = model_options(settings, DataStats(len(tokenizer.vocab), padding_idx=tokenizer.padding_idx), **more)
    return Captioner(build(settings.model, options), tokenizer, data.source.get("language"))


def _started(data: "CaptionSplits", settings: Settings, context: TrainContext) -> Captioner:
    """The captioner of the context, with its tokenizer."""
    assert context.pretrained is not None, "called only with weights to start from"
    source = context.pretrained.take()
    refuse_other_size(context.pretrained.name, (source.size, source.size), data.train.pixels.shape[1:3])
    seed_everything(settings.seed)
    model, _ = started_model(source.model, settings.dropout)
    return Captioner(model, source.tokenizer, data.source.get("language", source.language))
