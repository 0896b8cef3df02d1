"""From images with boxes and settings to a detector that is ready to be trained."""

import sys

import numpy as np

from lingon.core.seed import seed_everything
from lingon.data.batches import BoxAugments, FlipBoxes, ImagesWithBoxes, Lighting, Loader, Shuffled, ZoomAndShift
from lingon.data.boxed_images import BoxedImage, BoxSplits, box_counts
from lingon.data.files.image_memory import check_memory
from lingon.engine.world import world
from lingon.kernels.allocator import keep_freed_memory
from lingon.models.registry import build
from lingon.tasks.detect.detector import Detector
from lingon.tasks.detect.frame import scale_to, usual_size
from lingon.tasks.detect.held_out import HeldOut
from lingon.tasks.detect.objective import DetectObjective, detect_loss
from lingon.tasks.detect.scoring import best_threshold, truths_of, unknown_labels
from lingon.tasks.detect.settings import Settings, parse_size
from lingon.tasks.model_options import FROM_IMAGES, parse_sizes
from lingon.tasks.own_weights import model_for_labels
from lingon.tasks.settings import filled_in
from lingon.tasks.training import TrainContext, Training


def prepare(data: BoxSplits, settings: Settings, context: TrainContext) -> Training:
    """Return a detector, with fresh weights or those that the context names, ready to be trained."""
    keep_freed_memory()
    labels = list(box_counts(data.train))
    for part in ("valid", "test"):
        _tell_unknown(getattr(data, part), labels, part)
    seed_everything(settings.seed)
    task = _fresh(data, labels, settings) if context.pretrained is None else _started(context, labels, settings)
    labels, size = task.labels, task.image_size
    check_memory(len(data.train), size, data.name)
    task.model.to(context.device)
    column = images_with_boxes(task, data.train, augment_of(settings), settings.seed)
    order = Shuffled(len(column), filled_in(settings.batch_size), seed=settings.seed)
    batches = Loader({"images": column}, order, context.world.rank, context.world.size)
    evaluate, held_out = task.evaluator(data.valid), HeldOut(task, data.test)

    def calibrate() -> None:
        """Predict from the score on with which F1 is best on the validation images."""
        task.threshold = best_threshold(truths_of(data.valid, labels), task.found_in(data.valid))

    return Training(
        task=task,
        module=DetectObjective(task.model),
        batches=batches,
        loss=detect_loss,
        evaluator=lambda module: evaluate(module.get_submodule("model")),
        metric=settings.metric,
        test=held_out.scores,
        facts={"data": data.source, "image_size": list(size)},
        report=held_out.report,
        sample=held_out.extremes,
        calibrate=calibrate,
    )


def _fresh(data: BoxSplits, labels: list[str], settings: Settings) -> Detector:
    size = parse_size(settings.image_size) if settings.image_size else usual_size(data.train)
    sizes = {} if settings.width is None else {"width": settings.width}
    model = build(settings.model, {"classes": len(labels), **sizes, **parse_sizes(settings.set or [], FROM_IMAGES)})
    return Detector(model, labels, size)


def _started(context: TrainContext, labels: list[str], settings: Settings) -> Detector:
    """The detector of the context, for these labels; its images keep their size where no other is given."""
    assert context.pretrained is not None, "called only with weights to start from"
    source = context.pretrained.take()
    model, labels = model_for_labels(source.model, source.labels, labels, context.pretrained.name)
    size = parse_size(settings.image_size) if settings.image_size else source.image_size
    return Detector(model, labels, size)


def augment_of(settings: Settings) -> BoxAugments:
    """Return what is done to the training images."""
    flips = {"none": [], "horizontal": [FlipBoxes()], "both": [FlipBoxes(), FlipBoxes(upside_down=True)]}
    return BoxAugments(
        [*flips[settings.flip], ZoomAndShift(settings.zoom, settings.shift), Lighting(settings.lighting)]
    )


def images_with_boxes(
    task: Detector, images: list[BoxedImage], augment: BoxAugments | None = None, seed: int = 0
) -> ImagesWithBoxes:
    """Return the column of images in the detector's frame. A crowd, and what need not be found, is of no class."""
    number = {label: i for i, label in enumerate(task.labels)}
    boxes, labels = [], []
    for one in images:
        boxes.append((one.boxes * scale_to(one.size, task.image_size)).astype(np.float32))
        passed = one.crowd | one.ignored
        labels.append([len(number) if out else number[x] for x, out in zip(one.labels, passed, strict=True)])
    return ImagesWithBoxes(task.frames(images), boxes, labels, augment, seed)


def _tell_unknown(images: list[BoxedImage], labels: list[str], part: str) -> None:
    unknown = unknown_labels(images, labels)
    if unknown and world().rank == 0:
        print(f"no training image has a box of {', '.join(unknown[:5])}, as the {part} images have", file=sys.stderr)
