"""The loss of a detector: of the maps of centres, and of the boxes around each centre."""

from typing import Any, NamedTuple

import torch
from torch import nn

from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.data.batches import Batch
from lingon.engine.loss import Loss
from lingon.layers.box_losses import center_focal_loss, generalized_iou
from lingon.models.center_net import STRIDE, DetectionMaps, boxes_of

SHARE = 0.54  # of a box's sides, in which places around its centre learn it
BOX_WEIGHT = 5.0


class DetectObjective(nn.Module):
    """A detector with its loss as one module, so that what wraps it sees the whole step."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def forward(
        self, images: Float[Tensor, "B 3 H W"], boxes: Float[Tensor, "B M 4"], labels: Int[Tensor, "B M"]
    ) -> Float[Tensor, ""]:
        """Return the sum of the losses over images. labels: below 0 for padding, C for what is not counted."""
        maps = self.model(images)
        return loss_of(DetectionMaps(*(part.float() for part in maps)), boxes, labels)


class Targets(NamedTuple):
    """What the maps of one image shall say.

    centers: 1 at a centre, less around it. counted: where the absence of a centre is to be learned. boxes: the box
    that a place learns, and weights, how much: 1 in all for each box.
    """

    centers: Float[Tensor, "C h w"]
    counted: Bool[Tensor, "h w"]
    boxes: Float[Tensor, "4 h w"]
    weights: Float[Tensor, "h w"]


def loss_of(maps: DetectionMaps, boxes: Float[Tensor, "B M 4"], labels: Int[Tensor, "B M"]) -> Float[Tensor, ""]:
    """Return the sum over images of the focal loss of centres and 5 (1 - generalized IoU) of each box (TTFNet)."""
    shape = maps.centers.shape[1:]
    made = [targets_of(b, of, *shape) for b, of in zip(boxes, labels, strict=True)]
    centers, counted, wanted, weights = (torch.stack(parts) for parts in zip(*made, strict=True))
    focal = (center_focal_loss(maps.centers, centers) * counted[:, None]).sum()
    overlap = generalized_iou(boxes_of(maps.sides).movedim(1, -1), wanted.movedim(1, -1))
    return focal + BOX_WEIGHT * ((1 - overlap) * weights).sum()


@torch.no_grad()
def targets_of(
    boxes: Float[Tensor, "M 4"], labels: Int[Tensor, " M"], classes: int, height: int, width: int
) -> Targets:
    """Return the targets of an image whose maps have this size (Liu et al. 2020, section 4).

    A box has a bell around its centre over the inner 54 % of its sides: its height is what is learned of the centre,
    and how much the place learns the box; where two overlap, the smaller box is learned. Boxes without area are none.
    """
    sides = (boxes[:, 2:] - boxes[:, :2]) / STRIDE
    real = (labels >= 0) & (sides > 0).all(1)
    order = [i for i in (-sides.prod(1)).argsort().tolist() if real[i]]  # the largest first, smaller ones on top
    found = Targets(
        boxes.new_zeros(classes, height, width),
        torch.ones(height, width, dtype=torch.bool, device=boxes.device),
        boxes.new_zeros(4, height, width),
        boxes.new_zeros(height, width),
    )
    owner = torch.full((height, width), -1, device=boxes.device)
    bells = _bells(boxes, sides, height, width)
    for i in order:
        if labels[i] >= classes:  # nothing is learned inside, neither that there is one nor that there is none
            left, top, right, bottom = (boxes[i] / STRIDE).round().int().tolist()
            found.counted[top:bottom, left:right] = False
            continue
        of_class = found.centers[labels[i]]
        torch.maximum(of_class, bells[i], out=of_class)
        inside = bells[i] > 0
        found.boxes[:, inside] = boxes[i][:, None]
        found.weights[inside], owner[inside] = bells[i][inside], i
    found.counted[(found.centers >= 1).any(0)] = True
    totals = found.weights.new_zeros(len(boxes) + 1).index_add_(0, owner.flatten() + 1, found.weights.flatten())
    return found._replace(weights=found.weights / totals[owner + 1].clamp(min=1e-6))


def _bells(boxes: Float[Tensor, "M 4"], sides: Float[Tensor, "M 2"], height: int, width: int) -> Float[Tensor, "M h w"]:
    """The bell of each box, 1 at the place of its centre and 0 from a radius of 27 % of its sides on."""
    center = (boxes[:, :2] + boxes[:, 2:]) / 2 / STRIDE
    along = []
    for axis, count in ((0, width), (1, height)):
        place = center[:, axis].floor().clamp(0, count - 1)
        radius = (sides[:, axis] * SHARE / 2).floor()
        away = torch.arange(count, device=boxes.device) - place[:, None]
        bell = (-0.5 * (away / ((2 * radius + 1) / 6)[:, None]) ** 2).exp()
        along.append(torch.where(away.abs() <= radius[:, None], bell, 0.0))
    return along[1][:, :, None] * along[0][:, None, :]


def detect_loss(objective: nn.Module, batch: Batch) -> Loss:
    """The loss of a batch, over its images."""
    return Loss(objective(batch.images, batch.boxes, batch.labels), float(len(batch)))
