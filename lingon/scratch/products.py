"""Products of vectors and matrices, and convolution as a matrix product."""

from collections.abc import Sequence

import numpy as np

from lingon.scratch.arguments import check_arguments
from lingon.scratch.dimensions import shape_of
from lingon.scratch.error_context import fail, operands
from lingon.scratch.joining import cat
from lingon.scratch.record import method, record
from lingon.scratch.tensor import Tensor

Step = int | Sequence[int]


@method
def matmul(x: Tensor, other: Tensor) -> Tensor:
    """Return x @ other for vectors [K], matrices [M, K] and [K, N], or batches [..., M, K] and [..., K, N]."""
    a, b = x, other
    if not (isinstance(a, Tensor) and isinstance(b, Tensor)):
        fail("the product of matrices needs two arrays; make one with tensor(...)")
    _check(a, b)
    left = a.unsqueeze(0) if a.ndim == 1 else a
    right = b.unsqueeze(1) if b.ndim == 1 else b
    # The gradients of a matrix product are matrix products too: (m,n)(n,k) and (k,m)(m,n).
    rules = (lambda g: _product(g, right.mT), lambda g: _product(left.mT, g))
    kept = [x for x, y in ((right, left), (left, right)) if y.requires_grad]
    out = record("matmul", np.matmul(left.array, right.array), (left, right), rules, kept)
    if a.ndim == 1:
        out = out.squeeze(-2)
    return out.squeeze(-1) if b.ndim == 1 else out


def _product(a: Tensor, b: Tensor) -> Tensor:
    return matmul(a, b)


def _check(a: Tensor, b: Tensor) -> None:
    if not a.ndim or not b.ndim:
        fail(
            f"the product of matrices needs dimensions: {operands(shape_of(a), shape_of(b))}; use * for single numbers"
        )
    inner = a.shape[-1], b.shape[-2 if b.ndim > 1 else 0]
    if inner[0] != inner[1]:
        fail(
            f"shapes do not fit: {operands(shape_of(a), shape_of(b))}; the inner sizes {inner[0]} and {inner[1]} differ"
        )
    try:
        np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        fail(
            f"shapes do not fit: {operands(shape_of(a), shape_of(b))}; "
            "the sizes before the last two cannot be broadcast"
        )
    if a.dtype != b.dtype:
        fail(f"dtypes do not fit: {operands(f'{shape_of(a)} {a.dtype}', f'{shape_of(b)} {b.dtype}')}; say x.to(dtype)")


def _two(name: str, a: Tensor, b: Tensor, dims: tuple[int, int]) -> Tensor:
    if (a.ndim, b.ndim) != dims:
        fail(f"{name} is for {dims[0]} and {dims[1]} dimensions: {operands(shape_of(a), shape_of(b))}; use @")
    if name == "bmm" and len(a) != len(b):
        fail(f"bmm is for equally many matrices: {operands(shape_of(a), shape_of(b))}; use @")
    return matmul(a, b)


@method
def dot(x: Tensor, tensor: Tensor) -> Tensor:
    """Return the dot product of two vectors [N]: a scalar."""
    return _two("dot", x, tensor, (1, 1))


@method
def mv(x: Tensor, vec: Tensor) -> Tensor:
    """Return a matrix [M, N] times a vector [N]: [M]."""
    return _two("mv", x, vec, (2, 1))


@method
def mm(x: Tensor, mat2: Tensor) -> Tensor:
    """Return the product of two matrices [M, K] and [K, N]: [M, N]."""
    return _two("mm", x, mat2, (2, 2))


@method
def bmm(x: Tensor, mat2: Tensor) -> Tensor:
    """Return the products of two batches of matrices, [B, M, K] and [B, K, N]: [B, M, N]."""
    return _two("bmm", x, mat2, (3, 3))


@method
def outer(x: Tensor, vec2: Tensor) -> Tensor:
    """Return the outer product of x [M] and vec2 [N]: [M, N]."""
    if x.ndim != 1 or vec2.ndim != 1:
        fail(f"outer is for two vectors: {operands(shape_of(x), shape_of(vec2))}")
    return x.unsqueeze(1) * vec2


@check_arguments
def conv1d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Step = 1, padding: Step = 0, dilation: Step = 1
) -> Tensor:
    """Return weight [O, D, K] times every window of K steps of x [B, D, T] or [D, T]: [B, O, T'] or [O, T'].

    T' = (T + 2 padding - dilation (K - 1) - 1) // stride + 1. As in PyTorch, the weight is not flipped.
    """
    stride, padding, dilation = (
        _single(n, v, 0 if n == "padding" else 1)
        for n, v in (("stride", stride), ("padding", padding), ("dilation", dilation))
    )
    if x.ndim == 2:
        return conv1d(x.unsqueeze(0), weight, bias, stride, padding, dilation).squeeze(0)
    if x.ndim != 3 or weight.ndim != 3 or x.shape[1] != weight.shape[1]:
        fail(f"shapes do not fit: {operands(shape_of(x), shape_of(weight))}; expected [B, D, T] and [O, D, K]")
    if x.dtype != weight.dtype:
        fail(f"dtypes do not fit: {operands(f'{shape_of(x)} {x.dtype}', f'{shape_of(weight)} {weight.dtype}')}")
    if padding:
        zeros = Tensor(np.zeros((*x.shape[:2], padding), x.dtype))
        x = cat([zeros, x, zeros], 2)
    (batch, width, time), (out, _, size) = x.shape, weight.shape
    steps = (time - dilation * (size - 1) - 1) // stride + 1
    if steps < 1:
        fail(f"a window of {dilation * (size - 1) + 1} steps is longer than the {time} steps there are")
    places = np.arange(steps)[:, None] * stride + np.arange(size) * dilation
    windows = x[:, :, places].permute(0, 2, 1, 3).reshape(batch, steps, width * size)  # [B, T', D * K]
    result = (windows @ weight.reshape(out, width * size).t()).transpose(1, 2)
    return result if bias is None else result + bias.unsqueeze(1)


def _single(name: str, size: int | Sequence[int], least: int) -> int:
    """Return a size that may be given as a list of one element, as PyTorch allows for windows."""
    size = size if isinstance(size, int) else size[0] if len(size) == 1 else fail(f"conv1d(): {name} is one number")
    if size < least:
        fail(f"conv1d(): the argument {name!r} is {least} or more, not {size}")
    return size
