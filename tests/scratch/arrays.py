"""The same array twice, in scratch and in torch, in any layout of memory; and comparisons between the two."""

import numpy as np
import torch
from hypothesis import strategies as st

import lingon.scratch as scratch

LAYOUTS = ("plain", "transposed", "sliced", "offset")
FLOATS = ("float32", "float64")


def laid_out(T, array, layout):
    """The numbers as an array of T whose memory is laid out in another way."""
    make = lambda a: T.tensor(a.copy())
    if layout == "transposed" and array.ndim >= 2:
        return make(array.swapaxes(0, -1)).transpose(0, -1)
    if layout == "sliced" and array.ndim:
        return make(np.repeat(array, 2, axis=-1))[..., ::2]
    if layout == "offset" and array.ndim:
        return make(np.concatenate([array[:1], array], axis=0))[min(1, len(array)) :]
    return make(array)


def twins(array, layout="plain", requires_grad=False):
    """The numbers as an array of scratch and as one of torch."""
    both = [laid_out(T, array, layout).detach() for T in (scratch, torch)]
    return [x.requires_grad_() if requires_grad else x for x in both]


def same(found, truth, tolerance=None, what="value"):
    """Asserts that two results are equal: kind, dtype, shape, numbers."""
    if isinstance(truth, tuple | list):
        assert len(found) == len(truth), what
        for a, b in zip(found, truth, strict=True):
            same(a, b, tolerance, what)
        return
    if not isinstance(truth, torch.Tensor):
        assert (type(found), found) == (type(truth), truth), what
        return
    assert f"torch.{found.dtype}" == str(truth.dtype), f"{what}: {found.dtype} is not {truth.dtype}"
    assert found.shape == tuple(truth.shape), f"{what}: {found.shape} is not {truth.shape}"
    close = tolerance or {"float32": 2e-4, "float64": 1e-9, "float16": 2e-2}.get(str(found.dtype), 0)
    truth = truth.detach().numpy(force=True)
    np.testing.assert_allclose(found.detach().numpy(), truth, rtol=close, atol=close, err_msg=what)


@st.composite
def arrays(draw, shape, low=-2.0, high=2.0, apart=False, dtype="float64"):
    """Random numbers of a shape; `apart`: no two of them equal or near each other, and none near 0."""
    size = int(np.prod(shape))
    seed = draw(st.integers(0, 2**31))
    rng = np.random.default_rng(seed)
    if apart:
        numbers = (rng.permutation(size) + 0.5 + rng.uniform(0.2, 0.3)) / max(size, 1) * (high - low) + low
        numbers = np.where(np.abs(numbers) < 0.05, 0.07, numbers)
    else:
        numbers = rng.uniform(low, high, size)
    return numbers.reshape(shape).astype(dtype)


shapes = st.lists(st.sampled_from([0, 1, 2, 3, 5]), max_size=3).map(tuple)


@st.composite
def fitting(draw, count=2):
    """Shapes that can be broadcast with each other."""
    full = draw(shapes)
    found = []
    for _ in range(count):
        kept = draw(st.integers(0, len(full)))
        found.append(tuple(1 if draw(st.booleans()) else size for size in full[len(full) - kept :]))
    return found


def check(function, numbers, layouts, grads, second=True, tolerance=None):
    """Value, gradients and second derivatives of function(T, *arrays) in scratch against torch."""
    pairs = [twins(a, layout, g) for a, layout, g in zip(numbers, layouts, grads, strict=True)]
    ours, theirs = zip(*pairs, strict=True)
    found, truth = function(scratch, *ours), function(torch, *theirs)
    same(found, truth, tolerance)
    if not any(grads):
        return
    xs, ts = ([x for x, g in zip(side, grads, strict=True) if g] for side in (ours, theirs))
    first = [_slopes(T, out, inputs, 1) for T, out, inputs in ((scratch, found, xs), (torch, truth, ts))]
    same(*first, tolerance, "gradient")
    if second and any(g is not None and g.requires_grad for g in first[1]):
        again = [_slopes(T, out, inputs, 2) for T, out, inputs in ((scratch, first[0], xs), (torch, first[1], ts))]
        same(*again, tolerance, "second derivative")


def _slopes(T, outputs, inputs, seed):
    """The gradient of a sum of all outputs, each number with a weight of its own."""
    outputs = outputs if isinstance(outputs, tuple | list) else [outputs]
    total = None
    for output in outputs:
        if not output.dtype.is_floating_point if T is torch else output.dtype.kind != "f":
            continue
        weights = np.random.default_rng(seed).uniform(0.5, 1.5, tuple(output.shape))
        part = (output * T.tensor(weights).to(output.dtype)).sum()
        total = part if total is None else total + part
    if total is None or not total.requires_grad:
        return [T.zeros_like(x) for x in inputs]
    if T is torch:
        return torch.autograd.grad(total, inputs, create_graph=True, allow_unused=True, materialize_grads=True)
    return scratch.autograd.grad(total, inputs, create_graph=True, allow_unused=True, materialize_grads=True)
