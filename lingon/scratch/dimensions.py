"""Shapes as text for messages, and dimensions counted from 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lingon.scratch.error_context import ArrayIndexError, fail, operands

if TYPE_CHECKING:
    import numpy as np

    from lingon.scratch.tensor import Tensor


def shape_of(x: Tensor | np.ndarray) -> str:
    """Return the shape of an array, as messages write it.

    >>> shape_of(np.zeros((3, 5)))
    '[3, 5]'
    """
    return str(list(x.shape))


def normalize_dim(x: Tensor, dim: int, more: int = 0) -> int:
    """Return a dimension counted from 0. more: 1 if the position after the last dimension is allowed too."""
    count = max(x.ndim + more, 1)
    if not -count <= dim < count:
        fail(
            f"there is no dimension {dim} in {operands(shape_of(x))}; expected -{count} to {count - 1}",
            ArrayIndexError,
        )
    return dim % count


def existing_dim(x: Tensor, dim: int) -> int:
    """Return a dimension counted from 0. Raises ArrayIndexError for a 0-d array, which has none."""
    return normalize_dim(x, dim) if x.ndim else fail(f"there is no dimension {dim} in a single number", ArrayIndexError)
