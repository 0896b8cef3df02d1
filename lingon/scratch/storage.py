"""Memory shared by views, and how a view is taken from the whole array."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lingon.scratch.tensor import Tensor


class Storage:
    """Memory shared by views. version: how often it was changed. stale: whether its views must be taken again."""

    __slots__ = ("stale", "version")

    def __init__(self) -> None:
        self.version, self.stale = 0, False


class View(NamedTuple):
    """A view of a whole array: functions that take it and, if it can be changed, put it back."""

    whole: Tensor
    take: Callable[[Tensor], Tensor]
    put: Callable[[Tensor, Tensor], Tensor] | None
