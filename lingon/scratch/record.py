"""Recording of a step of a computation, and registration of functions as methods of arrays."""

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
    """Return the result of a step, with what the backward pass needs if any input requires a gradient.

    rules: for each input, a function from the gradient of the result to the gradient of the input. They use operations
    that are recorded too, so that gradients can be differentiated; broadcast shapes and dtypes are corrected later.
    saved: the arrays whose values the rules use. view: functions that take the result from the first input, and put it
    back, if the two may share memory.
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
    """Make a function on arrays a method too, as in PyTorch; return it. The arguments of both are checked."""
    setattr(Tensor, function.__name__, check_arguments(function, method=True))
    return check_arguments(function, variadic=False)
