"""From a vector per token to one per text: masked mean and masked maximum over time."""

import torch

from lingon.core.shapes import Bool, Float, Tensor


def mean_over_time(x: Float[Tensor, "B T D"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B D"]:
    """Return the mean over the tokens that are not padding; zero for a text without any."""
    weights = mask.to(x.dtype)
    return torch.einsum("btd,bt->bd", x, weights) / weights.sum(1, keepdim=True).clamp(min=1)


def max_over_time(x: Float[Tensor, "B T D"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B D"]:
    """Return the maximum over the tokens that are not padding; zero for a text without any."""
    highest = x.masked_fill(~mask[..., None], -torch.inf).amax(1)
    return torch.where(mask.any(1, keepdim=True), highest, torch.zeros_like(highest))
