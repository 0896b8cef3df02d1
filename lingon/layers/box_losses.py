"""Losses of detectors: the focal loss of heat maps of centres, and the generalized overlap of boxes."""

import torch
import torch.nn.functional as F

from lingon.core.shapes import Float, Tensor

EXPONENT, NEAR = 2.0, 4.0  # alpha and beta of the paper


def center_focal_loss(logits: Float[Tensor, "*S"], target: Float[Tensor, "*S"]) -> Float[Tensor, "*S"]:
    """Return the focal loss of each place of a heat map (Law and Deng 2018, equation 1; Zhou et al. 2019).

    target: 1 at the centre of an object, less than 1 around it, where finding one is less wrong: the loss there is
    (1 - target)^4 p^2 -log(1 - p), and (1 - p)^2 -log(p) at a centre, p the sigmoid of the logit.
    """
    p = logits.sigmoid()
    center = (1 - p) ** EXPONENT * F.softplus(-logits)
    elsewhere = (1 - target) ** NEAR * p**EXPONENT * F.softplus(logits)
    return torch.where(target >= 1, center, elsewhere)


def generalized_iou(left: Float[Tensor, "*N 4"], right: Float[Tensor, "*N 4"]) -> Float[Tensor, "*N"]:
    """Return the generalized intersection over union of pairs of boxes, from -1 to 1 (Rezatofighi et al. 2019).

    It is the intersection over union, less the share of the box around both that neither covers. Boxes: left, top,
    right, bottom. A box without area has a gradient too.
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
