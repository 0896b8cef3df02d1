"""From photos, a style and settings to a style network that is ready to be trained."""

import math
from collections.abc import Mapping

import numpy as np
from torch import nn

from lingon.core.errors import NotFinite
from lingon.core.seed import derive, seed_everything
from lingon.data.batches import Images, Loader, RandomFlip, Shuffled
from lingon.data.files.images import resize_image
from lingon.data.image_collection import ImageCollection
from lingon.data.open_image import open_image
from lingon.kernels.allocator import keep_freed_memory
from lingon.models.registry import build, name_of
from lingon.tasks.model_options import parse_sizes
from lingon.tasks.settings import filled_in
from lingon.tasks.style.held_out import HeldOut
from lingon.tasks.style.objective import StyleObjective, StyleWeights, perceptual_loss, style_loss
from lingon.tasks.style.pixels import within
from lingon.tasks.style.scoring import METRICS, scores_of
from lingon.tasks.style.settings import Settings
from lingon.tasks.style.stylizer import Stylizer
from lingon.tasks.training import TrainContext, Training

SCALES = (1.0, 2.5)  # a crop's share of the shorter side of its photo is 1 over a number between them


def prepare(data: ImageCollection, settings: Settings, context: TrainContext) -> Training:
    """Return a style network, with fresh weights or those that the context names, to be trained on crops of photos."""
    style = within(open_image(settings.style), filled_in(settings.style_size), settings.style)
    keep_freed_memory()
    pixels = crops_of(data.train, filled_in(settings.crops), filled_in(settings.crop), settings.seed)
    seed_everything(settings.seed)
    task = Stylizer(_model(settings, context), settings.style, style)
    task.model.to(context.device)
    weights = StyleWeights(
        filled_in(settings.style_weight), filled_in(settings.content_weight), filled_in(settings.total_variation_weight)
    )
    images = Images(pixels, RandomFlip(), settings.seed)
    order = Shuffled(len(pixels), filled_in(settings.batch_size), seed=settings.seed)
    valid = list(data.valid.values())

    def evaluate(module: nn.Module) -> dict[str, float]:
        try:
            return dict(scores_of(module.get_submodule("model"), style, valid, weights))
        except NotFinite:
            return dict.fromkeys(METRICS, math.nan)

    held_out = HeldOut(task, data.test, weights)
    return Training(
        task=task,
        module=StyleObjective(task.model, perceptual_loss(style, context.device), weights),
        batches=Loader({"images": images}, order, rank=context.world.rank, world=context.world.size),
        loss=style_loss,
        evaluator=evaluate,
        metric="loss",
        test=held_out.scores,
        models={"model": name_of(task.model)},
        facts={"data": data.source, "style": settings.style},
        report=held_out.report,
        sample=held_out.sample,
    )


def _model(settings: Settings, context: TrainContext) -> nn.Module:
    """A fresh network, or that of the context."""
    if context.pretrained is not None:
        return context.pretrained.take().model
    return build(settings.model, {"width": settings.width} | parse_sizes(settings.set or []))


def crops_of(photos: Mapping[str, np.ndarray], count: int, side: int, seed: int) -> np.ndarray:
    """Return squares of photos, in turns, at places and scales that follow from the seed: uint8 [count, side, side, 3].

    The square is the whole shorter side of its photo, or down to a part in 2.5 of it; it is made `side` pixels.
    """
    rng = np.random.default_rng(derive(seed, "crops"))
    images, out = list(photos.values()), np.empty((count, side, side, 3), np.uint8)
    for i in range(count):
        image = images[i % len(images)]
        height, width, _ = image.shape
        cut = max(1, round(min(height, width) / rng.uniform(*SCALES)))
        top, left = rng.integers(0, height - cut + 1), rng.integers(0, width - cut + 1)
        out[i] = resize_image(image[top : top + cut, left : left + cut], side, side)
    return out
