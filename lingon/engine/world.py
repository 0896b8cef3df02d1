"""This process among those that torchrun started; a program without torch is alone, and does not wait for it."""

import sys
from typing import NamedTuple


class World(NamedTuple):
    """The place of this process: `rank` of `size`. Rank 0 logs and saves."""

    rank: int
    size: int


def world() -> World:
    """This process among its peers; World(0, 1) when it is alone."""
    dist = sys.modules.get("torch.distributed")
    if dist is not None and dist.is_available() and dist.is_initialized():
        return World(dist.get_rank(), dist.get_world_size())
    return World(0, 1)


def wait_for_all() -> None:
    """Go on when every process has come here."""
    if world().size > 1:
        sys.modules["torch.distributed"].barrier()
