"""Grad-CAM: the places of an image that spoke for a label."""

import torch
from torch import nn

from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Int, Tensor


def grad_cam(model: nn.Module, images: Float[Tensor, "B C H W"], classes: Int[Tensor, " B"]) -> Float[Tensor, "B h w"]:
    """Return how much each place of the last maps speaks for a class of each image, from 0 to 1, the most being 1.

    model: one with `features`, images -> maps [B, D, h, w], and `head`, maps -> logits. classes: of the images.
    An image of which nothing speaks for its class gets zeros.
    Source: Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
    equations 1 and 2: relu(sum_k a_k A_k), where a_k is the mean over places of d logit / d A_k.
    """
    view = eval_view(model)
    with torch.inference_mode(False), torch.enable_grad():
        maps = view.features(images.clone()).detach().float().requires_grad_()
        logits = view.head(maps).gather(1, classes[:, None])
        (gradient,) = torch.autograd.grad(logits.sum(), maps)
    heat = (gradient.mean((2, 3), keepdim=True) * maps.detach()).sum(1).relu()
    most = heat.amax((1, 2), keepdim=True)
    return torch.where(most > 0, heat / most.clamp(min=1e-30), torch.zeros_like(heat))
