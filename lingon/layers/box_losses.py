"""Losses of object detectors: the focal loss of centre heat maps, and the generalized IoU of boxes."""

import torch
import torch.nn.functional as F

from lingon.core.shapes import Float, Tensor

EXPONENT, NEAR = 2.0, 4.0  # alpha and beta of the paper


def center_focal_loss(logits: Float[Tensor, "*S"], target: Float[Tensor, "*S"]) -> Float[Tensor, "*S"]:
    """Return the focal loss at each position of a heat map (Law and Deng 2018, equation 1; Zhou et al. 2019).

    target: 1 at the centre of an object, between 0 and 1 near it, where false positives are penalised less. With p the
    sigmoid of the logit, the loss is -(1 - p)^2 log(p) at a centre, elsewhere -(1 - target)^4 p^2 log(1 - p).
    """
    p = logits.sigmoid()
    center = (1 - p) ** EXPONENT * F.softplus(-logits)
    elsewhere = (1 - target) ** NEAR * p**EXPONENT * F.softplus(logits)
    return torch.where(target >= 1, center, elsewhere)


def generalized_iou(left: Float[Tensor, "*N 4"], right: Float[Tensor, "*N 4"]) -> Float[Tensor, "*N"]:
    """Return the generalized intersection over union of pairs of boxes, from -1 to 1 (Rezatofighi et al. 2019).

    It is the intersection over union minus the fraction of the enclosing box that neither covers. Boxes: left, top,
    right, bottom. A box of zero area has a gradient too.
    """
    area = lambda box: (box[..., 2] - box[..., 0]).clamp(min=0) * (box[..., 3] - box[..., 1]).clamp(min=0)
    corners = torch.maximum(left[..., :2], right[..., :2]), torch.minimum(left[..., 2:], right[..., 2:])
    shared = area(torch.cat(corners, -1))
    union = area(left) + area(right) - shared
    around = area(
        torch.cat([torch.minimum(left[..., :2], right[..., :2]), torch.maximum(left[..., 2:], right[..., 2:])], -1)
    )
    tiny = torch.finfo(union.dtype).tiny
    return shared / union.clamp(min=tiny) - (around - union) / around.clamp(min=tiny)
