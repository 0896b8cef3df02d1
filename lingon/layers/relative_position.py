"""Buckets of relative positions: near distances have their own, far ones share."""

import math

import torch

from lingon.core.shapes import Int, Tensor


def distances(length: int, device: torch.device) -> Int[Tensor, "T T"]:
    """Return the position of each query minus that of each key."""
    place = torch.arange(length, device=device)
    return place[:, None] - place


def t5_bucket(distance: Int[Tensor, "..."], buckets: int = 32, farthest: int = 128) -> Int[Tensor, "..."]:
    """Return the bucket of a distance, from 0 to buckets - 1 (Raffel et al. 2020, "T5", section 2.1).

    The first half of the buckets is for keys up to the query, the second for those after it. In each half, the first
    half has one distance each; the others widen logarithmically up to `farthest`, beyond which all share the last.
    """
    half = buckets // 2
    exact = half // 2
    near = distance.abs()
    # In float32, as in training, so that logarithms near an integer are rounded to the same side.
    share = torch.log(near.clamp(min=exact).float() / exact) / math.log(farthest / exact)
    far = (exact + (share * (half - exact)).to(near.dtype)).clamp(max=half - 1)
    return torch.where(near < exact, near, far) + (distance < 0) * half


def log_bucket(distance: Int[Tensor, "..."], buckets: int, farthest: int) -> Int[Tensor, "..."]:
    """Return the bucket of a distance, from 1 - buckets to buckets - 1, with its sign (He et al. 2021, their code).

    Distances up to buckets / 2 have their own bucket; the others widen logarithmically up to `farthest`.
    """
    middle = buckets // 2
    far = distance.abs().clamp(min=middle)
    widest = torch.log(torch.tensor((farthest - 1) / middle, device=distance.device))
    steps = torch.ceil(torch.log(far / middle) / widest * (middle - 1)).to(distance.dtype)
    return torch.where(far <= middle, distance, distance.sign() * (middle + steps))
