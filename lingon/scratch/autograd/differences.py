"""Gradient checking by finite differences: how much the result changes when one element does."""

from collections.abc import Callable, Sequence

import numpy as np

from lingon.scratch import dtypes
from lingon.scratch.arguments import check_arguments
from lingon.scratch.autograd.engine import _listed
from lingon.scratch.autograd.functional import jacobian
from lingon.scratch.dimensions import shape_of
from lingon.scratch.error_context import fail
from lingon.scratch.grad_mode import no_grad
from lingon.scratch.tensor import Tensor


@check_arguments
def gradcheck(
    func: Callable, inputs: Tensor | Sequence[Tensor], *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3
) -> bool:
    """Check that the Jacobian by autograd equals the one by central differences; the error shows both.

    The inputs must be float64: the error of a difference is about eps squared plus the rounding divided by eps.
    """
    xs = tuple(_listed(inputs))
    for i, x in enumerate(xs):
        if x.dtype != dtypes.float64:
            fail(f"input {i} {shape_of(x)} is {x.dtype}; small differences need float64")
    by_rules = jacobian(func, xs)
    for i, x in enumerate(xs):
        slopes = finite_differences(func, xs, i, eps)
        if not np.allclose(by_rules[i].array, slopes, rtol, atol):
            fail(
                f"the gradient of input {i} {shape_of(x)} is wrong: by the rules {by_rules[i]}, by differences {slopes}"
            )
    return True


def finite_differences(func: Callable, xs: Sequence[Tensor], i: int, eps: float = 1e-6) -> np.ndarray:
    """Return the Jacobian with respect to input `i` by central differences, (f(x + eps) - f(x - eps)) / (2 eps)."""
    columns = []
    with no_grad():
        for place in np.ndindex(xs[i].shape):
            ends = []
            for step in (eps, -eps):
                moved = xs[i].detach().clone()
                moved.array[place] += step
                ends.append(func(*xs[:i], moved, *xs[i + 1 :]).array)
            columns.append((ends[0] - ends[1]) / (2 * eps))
        shape = func(*xs).shape
    return np.stack(columns, -1).reshape(shape + xs[i].shape) if columns else np.zeros(shape + xs[i].shape)
