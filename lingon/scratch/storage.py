"""What views of the same numbers have in common, and how a view is taken from the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lingon.scratch.tensor import Tensor


class Storage:
    """Memory that views share: how often its numbers were changed, and whether the views are out of date."""

    __slots__ = ("stale", "version")

    def __init__(self) -> None:
        self.version, self.stale = 0, False


class View(NamedTuple):
    """View of a whole array: how it is taken from it and, where it can be changed, put back."""

    whole: Tensor
    take: Callable[[Tensor], Tensor]
    put: Callable[[Tensor, Tensor], Tensor] | None
