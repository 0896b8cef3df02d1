"""From images with labels and settings to a classifier that is ready to be trained."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from lingon.core.errors import UserError
from lingon.core.seed import seed_everything
from lingon.data.batches import Augments, RandomErase, RandomFlip, RandomShift
from lingon.data.batches.images import Augment
from lingon.data.image_layout import ImageLayout, layout_of
from lingon.data.labelled_images import ImageSplits, LabelledImages
from lingon.engine.fit import History
from lingon.kernels.allocator import keep_freed_memory
from lingon.models.registry import build, get_entry
from lingon.tasks.classify_images.from_weights import in_channels_of, started_classifier
from lingon.tasks.classify_images.held_out_images import HeldOutImages
from lingon.tasks.classify_images.image_classifier import ImageClassifier
from lingon.tasks.classify_images.probe import probe_parts
from lingon.tasks.classify_images.settings import augments_of
from lingon.tasks.model_options import FROM_IMAGES, OF_MODELS, parse_sizes
from lingon.tasks.settings import filled_in
from lingon.tasks.training import TrainContext, Training

if TYPE_CHECKING:
    from lingon.tasks.classify.settings import Settings

STAGES = ((40, 2), (80, 3), (160, 4))  # the longer side up to which so many stages are enough
MOST_STAGES = 5
SHIFT = 14  # images move by up to one part in so many of their side


def prepare(data: ImageSplits, settings: "Settings", context: TrainContext) -> Training:
    """Return a classifier, with fresh weights or those that the context names, ready to be trained on images."""
    if context.pretrained is not None:
        data = in_channels_of(data, context.pretrained)
    layout = layout_of(data.train.pixels, data.source.get("fit", "crop"))
    labels = sorted(data.train.label_counts())
    if len(labels) < 2:
        raise UserError(f"{data.name}: the training images have one label, {labels}; two or more are needed")
    keep_freed_memory()
    seed_everything(settings.seed)
    if context.pretrained is None:
        task = ImageClassifier(model_of(settings, layout, len(labels)), labels, layout)
    else:
        task = started_classifier(context.pretrained, labels, layout, settings)
    task.model.to(context.device)
    held_out = HeldOutImages(task, data.test)
    return Training(
        task=task,
        **_parts(task, data, settings, context),
        metric=filled_in(settings.metric),
        test=held_out.scores,
        facts={"data": data.source},
        report=held_out.report,
        sample=held_out.extremes,
        refit=partial(refit, data, settings, context) if settings.refit else None,
    )


def _parts(task: ImageClassifier, data: ImageSplits, settings: "Settings", context: TrainContext) -> dict[str, Any]:
    """What is trained, on what, and how it is judged: a whole model on images, or a probe on what is said of them."""
    if get_entry(settings.model).load_frozen is not None:
        return probe_parts(task, data, settings)
    batches = task.batches(
        data.train,
        batch_size=filled_in(settings.batch_size),
        seed=settings.seed,
        augment=augment_of(settings, task.layout),
        rank=context.world.rank,
        world=context.world.size,
    )
    return {"module": task.model, "batches": batches, "loss": task.loss, "evaluator": task.evaluator(data.valid)}


def refit(data: ImageSplits, settings: "Settings", context: TrainContext, history: History) -> Training:
    """Return the training on training and validation images together, for as long as the best weights were."""
    pixels = np.concatenate([data.train.pixels, data.valid.pixels])
    both = LabelledImages(pixels, data.train.labels + data.valid.labels)
    again = replace(settings, epochs=history.best_epochs, steps=None, refit=False)
    return prepare(replace(data, train=both), again, context)


def model_of(settings: "Settings", layout: ImageLayout, classes: int) -> nn.Module:
    """Return the model that the settings name, with fresh weights, for images of this layout."""
    known: dict[str, Any] = {
        "classes": classes,
        "channels": layout.channels,
        "image_height": layout.height,
        "image_width": layout.width,
        "stages": stages_for(max(layout.height, layout.width)),
    }
    known |= {name: getattr(settings, name) for name in OF_MODELS if getattr(settings, name, None) is not None}
    entry = get_entry(settings.model)
    options = {name: value for name, value in known.items() if name in entry.options}
    model = build(settings.model, options | parse_sizes(settings.set or [], FROM_IMAGES))
    if entry.load_frozen is not None:
        entry.load_frozen(model)
    return model


def stages_for(side: int) -> int:
    """Return how often maps are halved, for images with so many pixels a side.

    >>> stages_for(28), stages_for(64)
    (2, 3)
    """
    return next((stages for most, stages in STAGES if side <= most), MOST_STAGES)


def augment_of(settings: "Settings", layout: ImageLayout) -> Augment | None:
    """Return how training images are varied; None where they are not."""
    most = max(1, round(min(layout.height, layout.width) / SHIFT))
    made: dict[str, Augment] = {"flip": RandomFlip(), "shift": RandomShift(most), "erase": RandomErase()}
    parts = [made[name] for name in augments_of(settings.augment)]
    return Augments(parts) if parts else None
