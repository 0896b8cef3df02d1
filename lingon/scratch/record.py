"""Record a step of a computation, and make a function a method of arrays."""

from collections.abc import Callable, Sequence

import numpy as np

from lingon.scratch.arguments import check_arguments
from lingon.scratch.grad_mode import is_grad_enabled
from lingon.scratch.node import GradientRule, Node
from lingon.scratch.storage import View
from lingon.scratch.tensor import Tensor


def record(
    name: str,
    value: np.ndarray,
    inputs: Sequence[Tensor],
    rules: Sequence[GradientRule],
    saved: Sequence[Tensor] = (),
    view: tuple[Callable, Callable | None] | None = None,
) -> Tensor:
    """Record a step: return its result, with what the backward pass needs if any input requires a gradient.

    rules: for each input a function from the gradient of the result to its own. They are written in operations that
    are recorded too, so that gradients have gradients; shapes that were broadcast and dtypes are put right later.
    saved: the arrays whose numbers the rules use. view: how the result is taken from the first input, and put back
    into it, where the two may share their memory.
    """
    for x in inputs:
        x.fresh()
    out = Tensor(value)
    if view and np.may_share_memory(out.array, inputs[0].array):
        out.memory, out.view_of = inputs[0].memory, View(inputs[0], *view)
    if is_grad_enabled() and any(x._requires_grad for x in inputs) and out.array.dtype.kind == "f":
        out.grad_fn = Node(name, inputs, rules, saved)
        out._requires_grad = True
    return out


def method(function: Callable) -> Callable:
    """Make a function on arrays a method of them as well, as in PyTorch; calls of both are checked."""
    setattr(Tensor, function.__name__, check_arguments(function, method=True))
    return check_arguments(function, variadic=False)
