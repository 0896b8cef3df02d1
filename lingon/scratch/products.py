"""Products of vectors and matrices, and the convolution, which is one of them."""

import numpy as np

from lingon.scratch.blame import fail, operands
from lingon.scratch.shaping import cat
from lingon.scratch.tensor import Tensor, method, record, shown


@method
def matmul(a: Tensor, b: Tensor) -> Tensor:
    """a @ b of vectors [K], matrices [M, K] and [K, N], or many of them [..., M, K] and [..., K, N]."""
    if not (isinstance(a, Tensor) and isinstance(b, Tensor)):
        fail("the product of matrices needs two arrays; make one with tensor(...)")
    _check(a, b)
    left = a.unsqueeze(0) if a.ndim == 1 else a
    right = b.unsqueeze(1) if b.ndim == 1 else b
    # The chain rule of a product of matrices is again one: (m,n)(n,k) and (k,m)(m,n).
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
        fail(f"the product of matrices needs dimensions: {operands(shown(a), shown(b))}; use * for single numbers")
    inner = a.shape[-1], b.shape[-2 if b.ndim > 1 else 0]
    if inner[0] != inner[1]:
        fail(f"shapes do not fit: {operands(shown(a), shown(b))}; the inner sizes {inner[0]} and {inner[1]} differ")
    try:
        np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        fail(f"shapes do not fit: {operands(shown(a), shown(b))}; the sizes before the last two cannot be broadcast")
    if a.dtype != b.dtype:
        fail(f"dtypes do not fit: {operands(f'{shown(a)} {a.dtype}', f'{shown(b)} {b.dtype}')}; say x.to(dtype)")


def _of(name: str, dims: tuple[int, int]):
    def product(a: Tensor, b: Tensor) -> Tensor:
        if (a.ndim, b.ndim) != dims:
            fail(f"{name} is for {dims[0]} and {dims[1]} dimensions: {operands(shown(a), shown(b))}; use @")
        return matmul(a, b)

    product.__name__ = product.__qualname__ = name
    product.__doc__ = f"a @ b for {dims[0]} and {dims[1]} dimensions."
    return method(product)


dot, mv, mm, bmm = _of("dot", (1, 1)), _of("mv", (2, 1)), _of("mm", (2, 2)), _of("bmm", (3, 3))


@method
def outer(a: Tensor, b: Tensor) -> Tensor:
    """Every number of a [M] times every number of b [N]: [M, N]."""
    if a.ndim != 1 or b.ndim != 1:
        fail(f"outer is for two vectors: {operands(shown(a), shown(b))}")
    return a.unsqueeze(1) * b


def conv1d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0, dilation: int = 1
) -> Tensor:
    """Each row of weight [O, D, K] times every window of K steps of x [B, D, T] or [D, T]: [B, O, T'] or [O, T'].

    T' = (T + 2 padding - dilation (K - 1) - 1) // stride + 1. As in PyTorch the windows are not turned round.
    """
    if x.ndim == 2:
        return conv1d(x.unsqueeze(0), weight, bias, stride, padding, dilation).squeeze(0)
    if x.ndim != 3 or weight.ndim != 3 or x.shape[1] != weight.shape[1]:
        fail(f"shapes do not fit: {operands(shown(x), shown(weight))}; expected [B, D, T] and [O, D, K]")
    if x.dtype != weight.dtype:
        fail(f"dtypes do not fit: {operands(f'{shown(x)} {x.dtype}', f'{shown(weight)} {weight.dtype}')}")
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
