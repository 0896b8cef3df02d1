"""The metrics of a style network: how far its pictures are from the style, and from the content of the photos."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from lingon.core.eval_view import eval_view
from lingon.metrics.scores import Scores
from lingon.tasks.style.objective import StyleWeights, perceptual_loss
from lingon.tasks.style.pixels import as_image, within

METRICS = ("loss", "style_distance", "content_distance")
JUDGED = 256  # pixels of the longer side of a photo that is judged


@torch.no_grad()
def scores_of(
    model: Any, style: np.ndarray, photos: Sequence[np.ndarray], weights: StyleWeights | None = None
) -> Scores:
    """Return the mean distances of painted photos, and the loss that the weights make of them.

    Each distance is a share, see `lingon.tasks.style.losses`. Photos are judged at 256 pixels.
    """
    device, weights = next(model.parameters()).device, weights or StyleWeights()
    loss, view = perceptual_loss(style, device), eval_view(model)
    rows = []
    for photo in photos:
        image = as_image(within(photo, JUDGED, "photo")).to(device)
        maps = loss.vgg(view(image))
        rows.append((float(loss.style(maps)), float(loss.content(maps, loss.wanted(image)))))
    of_style, of_content = np.mean(rows, 0).tolist()
    total = weights.style * of_style + weights.content * of_content
    return Scores({"loss": total, "style_distance": of_style, "content_distance": of_content}, "loss")
