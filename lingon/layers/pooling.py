"""Pooling of token vectors into one vector per text: masked mean, masked maximum, or the first token."""

from collections.abc import Callable

import torch

from lingon.core.errors import unknown
from lingon.core.shapes import Bool, Float, Tensor

Pooling = Callable[[Tensor, Tensor], Tensor]  # hidden [B, T, D], mask [B, T] -> [B, D]


def mean_over_time(x: Float[Tensor, "B T D"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B D"]:
    """Return the mean over the tokens that are not padding; zero for an empty text."""
    weights = mask.to(x.dtype)
    return torch.einsum("btd,bt->bd", x, weights) / weights.sum(1, keepdim=True).clamp(min=1)


def max_over_time(x: Float[Tensor, "B T D"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B D"]:
    """Return the maximum over the tokens that are not padding; zero for an empty text."""
    highest = x.masked_fill(~mask[..., None], -torch.inf).amax(1)
    return torch.where(mask.any(1, keepdim=True), highest, torch.zeros_like(highest))


def first_token(x: Float[Tensor, "B T D"], mask: Bool[Tensor, "B T"]) -> Float[Tensor, "B D"]:
    """Return the vector of the first token, such as [CLS] in BERT; zero for an empty text."""
    return x[:, 0] * mask[:, :1].to(x.dtype)


POOLINGS: dict[str, Pooling] = {"mean": mean_over_time, "cls": first_token, "max": max_over_time}


def pooling_of(name: object) -> Pooling:
    """Return the pooling of that name. Raises UserError for another one."""
    if not isinstance(name, str) or name not in POOLINGS:
        raise unknown("pooling", str(name), POOLINGS)
    return POOLINGS[name]
