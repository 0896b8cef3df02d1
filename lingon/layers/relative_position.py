"""How far a key is from a query, in buckets: each near distance has its own, far ones share."""

import math

import torch

from lingon.core.shapes import Int, Tensor


def distances(length: int, device: torch.device) -> Int[Tensor, "T T"]:
    """Return the place of each query less that of each key."""
    place = torch.arange(length, device=device)
    return place[:, None] - place


def t5_bucket(distance: Int[Tensor, "..."], buckets: int = 32, farthest: int = 128) -> Int[Tensor, "..."]:
    """Return the bucket of a distance, from 0 to buckets - 1 (Raffel et al. 2020, "T5", section 2.1).

    The first half is for keys before the query and itself, the second for those after it. Of each half, the first half
    is for one distance each; the rest widen as logarithms do up to `farthest`, beyond which all share the last.
    """
    half = buckets // 2
    exact = half // 2
    near = distance.abs()
    # In float32, as the weights were trained: a logarithm that is nearly whole falls to the same side.
    share = torch.log(near.clamp(min=exact).float() / exact) / math.log(farthest / exact)
    far = (exact + (share * (half - exact)).to(near.dtype)).clamp(max=half - 1)
    return torch.where(near < exact, near, far) + (distance < 0) * half


def log_bucket(distance: Int[Tensor, "..."], buckets: int, farthest: int) -> Int[Tensor, "..."]:
    """Return the bucket of a distance, from 1 - buckets to buckets - 1, with its sign (He et al. 2021, their code).

    Distances up to buckets / 2 are their own bucket; the others widen as logarithms do up to `farthest`.
    """
    middle = buckets // 2
    far = distance.abs().clamp(min=middle)
    widest = torch.log(torch.tensor((farthest - 1) / middle, device=distance.device))
    steps = torch.ceil(torch.log(far / middle) / widest * (middle - 1)).to(distance.dtype)
    return torch.where(far <= middle, distance, distance.sign() * (middle + steps))
