"""Rank and number of the processes that torchrun started; torch is not imported for it."""

import sys
from typing import NamedTuple


class World(NamedTuple):
    """The rank of this process and the number of processes. Rank 0 logs and saves."""

    rank: int
    size: int


def world() -> World:
    """Return rank and number of processes; World(0, 1) for a single process."""
    dist = sys.modules.get("torch.distributed")
    if dist is not None and dist.is_available() and dist.is_initialized():
        return World(dist.get_rank(), dist.get_world_size())
    return World(0, 1)


def wait_for_all() -> None:
    """Wait until every process has reached this call."""
    if world().size > 1:
        sys.modules["torch.distributed"].barrier()
