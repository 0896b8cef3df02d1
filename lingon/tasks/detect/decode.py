"""From the maps of a detector to boxes: peaks of the centres, the box of each, and of doubles the best."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from lingon.core.check_finite import check_finite
from lingon.core.shapes import Float, Tensor
from lingon.decoding.non_maximum_suppression import non_maximum_suppression
from lingon.metrics.mean_average_precision import Found
from lingon.models.center_net import DetectionMaps, boxes_of
from lingon.tasks.detect.frame import GREY, Size

MOST_PEAKS = 300  # of an image, of all classes
MOST_BOXES = 100  # of an image that stay
LEAST_SCORE = 0.01
OVERLAP = 0.6  # of two boxes of one class, beyond which they are one


class Peaks(torch.nn.Module):
    """The likeliest centres of a detector's maps, with their boxes: what is exported, behind the model.

    most: K.
    """

    def __init__(self, model: torch.nn.Module, most: int = MOST_PEAKS):
        super().__init__()
        self.model, self.most = model, most

    def forward(
        self, images: Float[Tensor, "B 3 H W"]
    ) -> tuple[Float[Tensor, "B K 4"], Float[Tensor, "B K"], Float[Tensor, "B K"]]:
        """Return boxes in pixels of the images, scores from 0 to 1, and the numbers of their classes, best first."""
        return peaks_of(self.model(images), self.most)


def peaks_of(maps: DetectionMaps, most: int = MOST_PEAKS) -> tuple[Tensor, Tensor, Tensor]:
    """Return the K likeliest centres: boxes [B, K, 4], scores [B, K] and classes [B, K] (as floats), best first.

    A centre is a place whose logit is no less than those of the 8 around it (Zhou et al. 2019, section 4).
    """
    centers = maps.centers.float()
    classes, height, width = centers.shape[1:]
    peak = centers == F.max_pool2d(centers, 3, stride=1, padding=1)
    scores = torch.where(peak, centers.sigmoid(), 0.0).flatten(1)
    best, where = scores.topk(min(most, classes * height * width), dim=1)
    places = (where % (height * width))[:, None].expand(-1, 4, -1)
    boxes = boxes_of(maps.sides.float()).flatten(2).gather(2, places).transpose(1, 2)
    return boxes, best, torch.div(where, height * width, rounding_mode="floor").float()


def found_of(maps: DetectionMaps, least: float = LEAST_SCORE, overlap: float = OVERLAP) -> list[Found]:
    """Return what was found in each image, in pixels of the maps' image. Raises NotFinite for broken weights."""
    check_finite(maps.centers, "the detector gave logits")
    boxes, scores, labels = (part.cpu().numpy() for part in peaks_of(maps))
    return [chosen(*of_image, least, overlap) for of_image in zip(boxes, scores, labels, strict=True)]


def chosen(
    boxes: Float[np.ndarray, "K 4"],
    scores: Float[np.ndarray, " K"],
    labels: Float[np.ndarray, " K"],
    least: float = LEAST_SCORE,
    overlap: float = OVERLAP,
) -> Found:
    """Return the peaks of an image with a score of `least` or more, of doubles the best, 100 at most."""
    rows = np.flatnonzero(scores >= least)
    boxes, scores, labels = boxes[rows], scores[rows], labels[rows].astype(np.int64)
    stays = non_maximum_suppression(boxes, scores, labels, overlap)[:MOST_BOXES]
    return Found(boxes[stays], scores[stays], labels[stays])


def rules_of_peaks(frame: Size, threshold: float) -> dict[str, Any]:
    """Return, by name, how an image gets into a frame, and which of the peaks are objects, for other programs."""
    image = {"height": frame[0], "width": frame[1], "fit": "upper left", "background": [GREY] * 3}
    return {"image": image, "threshold": max(threshold, LEAST_SCORE), "overlap": OVERLAP, "most": MOST_BOXES}
