"""Derivatives of functions: Jacobian, Hessian, vector-Jacobian and Jacobian-vector products."""

from collections.abc import Callable, Sequence

import numpy as np

from lingon.scratch.arguments import check_arguments
from lingon.scratch.autograd.engine import _listed, grad
from lingon.scratch.dimensions import shape_of
from lingon.scratch.error_context import fail
from lingon.scratch.grad_mode import enable_grad
from lingon.scratch.joining import stack
from lingon.scratch.tensor import Tensor

Inputs = Tensor | tuple[Tensor, ...]


@check_arguments
def jacobian(func: Callable, inputs: Inputs, create_graph: bool = False) -> Tensor | tuple:
    """Return the Jacobian of `func` at the inputs: its shape is that of the output followed by that of the input.

    For several inputs, or several outputs, a tuple is returned; for both, a tuple over outputs of tuples over inputs.
    """
    xs, outputs = _run(func, inputs, create_graph)
    rows = [_one_jacobian(output, xs, create_graph) for output in _listed(outputs)]
    found = [row[0] if isinstance(inputs, Tensor) else row for row in rows]
    return found[0] if isinstance(outputs, Tensor) else tuple(found)


def _one_jacobian(output: Tensor, xs: list[Tensor], create_graph: bool) -> tuple[Tensor, ...]:
    if not output.requires_grad or not output.numel():
        return tuple(Tensor(np.zeros(output.shape + x.shape, x.dtype)) for x in xs)
    with enable_grad():
        numbers = output.reshape(-1)
        rows = [grad(n, xs, None, True, create_graph, allow_unused=True, materialize_grads=True) for n in numbers]
        return tuple(
            stack(parts).reshape(output.shape + x.shape) for x, parts in zip(xs, zip(*rows, strict=True), strict=True)
        )


@check_arguments
def hessian(func: Callable, inputs: Inputs, create_graph: bool = False) -> Tensor | tuple:
    """Return the Hessian, all second derivatives, of a scalar function."""

    def slope(*xs: Tensor) -> Tensor | tuple[Tensor, ...]:
        output = func(*xs)
        if output.numel() != 1:
            fail(f"hessian is for a function that gives one number, and this one gives {shape_of(output)}")
        slopes = grad(output, xs, create_graph=True, allow_unused=True, materialize_grads=True)
        return slopes[0] if isinstance(inputs, Tensor) else slopes

    return jacobian(slope, inputs, create_graph)


@check_arguments
def vjp(func: Callable, inputs: Inputs, v: Inputs | None = None, create_graph: bool = False) -> tuple:
    """Return the output of `func`, and v times its Jacobian, by one backward pass whatever the sizes."""
    xs, outputs = _run(func, inputs, create_graph)
    seeds = [None] * len(_listed(outputs)) if v is None else _listed(v)
    with enable_grad():
        found = grad(_listed(outputs), xs, seeds, create_graph, create_graph, allow_unused=True, materialize_grads=True)
    return _given(outputs, create_graph), found[0] if isinstance(inputs, Tensor) else found


@check_arguments
def jvp(func: Callable, inputs: Inputs, v: Inputs | None = None, create_graph: bool = False) -> tuple:
    """Return the output of `func`, and its Jacobian times v, by two backward passes, the second through the first."""
    xs, outputs = _run(func, inputs, create_graph)
    out = _listed(outputs)
    with enable_grad():
        seeds = [Tensor(np.ones(o.shape, o.dtype), requires_grad=True) for o in out]
        slopes = grad(out, xs, seeds, True, True, allow_unused=True, materialize_grads=True)
        used = [(s, w) for s, w in zip(slopes, _directions(xs, v), strict=True) if s.requires_grad]
        if not used:
            found = tuple(Tensor(np.zeros(o.shape, o.dtype)) for o in out)
        else:
            ends, ws = zip(*used, strict=True)
            found = grad(ends, seeds, ws, create_graph, create_graph, allow_unused=True, materialize_grads=True)
    return _given(outputs, create_graph), found[0] if isinstance(outputs, Tensor) else found


def _directions(xs: Sequence[Tensor], v: Inputs | None) -> list[Tensor]:
    if v is None and any(x.numel() != 1 for x in xs):
        fail("v is needed: how far to go along each number of the inputs")
    given = [Tensor(np.ones(x.shape, x.dtype)) for x in xs] if v is None else _listed(v)
    if [one.shape for one in given] != [x.shape for x in xs]:
        fail(
            f"v has the shapes {[shape_of(one) for one in given]}; "
            f"expected those of the inputs, {[shape_of(x) for x in xs]}"
        )
    return given


def _run(func: Callable, inputs: Inputs, create_graph: bool) -> tuple[list[Tensor], Tensor | tuple[Tensor, ...]]:
    """Call the function with detached inputs, or with connected copies if `create_graph`; return inputs and outputs."""
    with enable_grad():
        given = _listed(inputs)
        xs = [x.clone() if create_graph and x.requires_grad else x.detach().requires_grad_() for x in given]
        outputs = func(*xs)
    many = outputs if isinstance(outputs, tuple | list) else [outputs]
    if not all(isinstance(output, Tensor) for output in many):
        fail(f"the function gave {type(outputs).__name__}; expected an array or a tuple of arrays")
    return xs, outputs


def _given(outputs: Tensor | tuple[Tensor, ...], create_graph: bool) -> Tensor | tuple[Tensor, ...]:
    if create_graph:
        return outputs
    return outputs.detach() if isinstance(outputs, Tensor) else tuple(output.detach() for output in outputs)
