"""Layers with their parameters, with the names and shapes of PyTorch."""

from typing import Any

import numpy as np

from lingon.scratch import create, random
from lingon.scratch.arguments import REFUSED, argument_type, check_construction
from lingon.scratch.error_context import ArrayIndexError, fail
from lingon.scratch.nn import functional as F
from lingon.scratch.nn.module import Module, Parameter
from lingon.scratch.tensor import Tensor

Span = int | tuple[int]  # of a window in time; PyTorch accepts a tuple of one too


def _span(value: object) -> object:
    one = value[0] if isinstance(value, list | tuple) and len(value) == 1 else value
    return int(one) if isinstance(one, int | np.integer) and not isinstance(one, bool) else REFUSED


argument_type(Span, "a whole number", _span, int)


def _even(*size: int, inputs: int) -> Parameter:
    """Return random weights, uniform between -1 and 1, divided by the square root of the number of inputs."""
    return Parameter((random.rand(*size) * 2 - 1) / max(inputs, 1) ** 0.5)


@check_construction
class Linear(Module):
    """x [..., D] -> [..., O]: each output is a weighted sum of all inputs plus a bias."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True):
        self.weight = _even(out_features, in_features, inputs=in_features)
        self.bias = _even(out_features, inputs=in_features) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


@check_construction
class Embedding(Module):
    """ids [...] -> [..., D]: a vector for each id. The row `padding_idx` is 0 and is not trained."""

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None):
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            fail(
                f"Embedding(): the argument 'padding_idx' is a row of {num_embeddings}, not {padding_idx}",
                ArrayIndexError,
            )
        self.weight, self.padding_idx = Parameter(random.randn(num_embeddings, embedding_dim)), padding_idx
        if padding_idx is not None:
            self.weight.array[padding_idx] = 0

    def forward(self, ids: Tensor) -> Tensor:
        return F.embedding(ids, self.weight, self.padding_idx)


@check_construction
class Conv1d(Module):
    """x [B, D, T] -> [B, O, T']: the same weights for every window of `kernel_size` steps."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Span,
        stride: Span = 1,
        padding: Span = 0,
        dilation: Span = 1,
        *,
        bias: bool = True,
    ):
        assert isinstance(kernel_size, int), "`check_construction` makes 3 of (3,)"
        for name, size in (("in_channels", in_channels), ("out_channels", out_channels), ("kernel_size", kernel_size)):
            if size < 1:
                fail(f"Conv1d(): the argument {name!r} is 1 or more, not {size}")
        inputs = in_channels * kernel_size
        self.weight = _even(out_channels, in_channels, kernel_size, inputs=inputs)
        self.bias = _even(out_channels, inputs=inputs) if bias else None
        self.stride, self.padding, self.dilation = stride, padding, dilation

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.weight, self.bias, self.stride, self.padding, self.dilation)


@check_construction
class Dropout(Module):
    """Dropout: in training mode, each element is set to 0 with probability `p`."""

    def __init__(self, p: float = 0.5):
        if not 0 <= p <= 1:
            fail(f"Dropout(): the argument 'p' is a fraction from 0 to 1, not {p}")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p, self.training)


@check_construction
class LSTMCell(Module):
    """One step of a long short-term memory: x [B, D] and (h, c) [B, H] -> the new (h, c).

    The four gates are stacked in the order input, forget, new, output (Hochreiter and Schmidhuber, 1997).
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True):
        self.hidden_size = hidden_size
        self.weight_ih = _even(4 * hidden_size, input_size, inputs=hidden_size)
        self.weight_hh = _even(4 * hidden_size, hidden_size, inputs=hidden_size)
        self.bias_ih = _even(4 * hidden_size, inputs=hidden_size) if bias else None
        self.bias_hh = _even(4 * hidden_size, inputs=hidden_size) if bias else None

    def __call__(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> Any:  # type: ignore[override]
        return self.forward(x, state)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        zeros = create.zeros(*x.shape[:-1], self.hidden_size, dtype=x.dtype)
        h, c = state or (zeros, zeros)
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


@check_construction
class ReLU(Module):
    """max(x, 0) of each element."""

    def __init__(self) -> None:
        pass

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x)


@check_construction
class Tanh(Module):
    """tanh of each element."""

    def __init__(self) -> None:
        pass

    def forward(self, x: Tensor) -> Tensor:
        return F.tanh(x)


@check_construction
class Sigmoid(Module):
    """sigmoid of each element."""

    def __init__(self) -> None:
        pass

    def forward(self, x: Tensor) -> Tensor:
        return F.sigmoid(x)


@check_construction
class Flatten(Module):
    """Merges the dimensions from `start_dim` to `end_dim` into one; by default all but the first."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(self.start_dim, self.end_dim)


@check_construction
class CrossEntropyLoss(Module):
    """cross_entropy as a module."""

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ):
        self.weight = weight
        self.how = {"ignore_index": ignore_index, "reduction": reduction, "label_smoothing": label_smoothing}

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(input, target, self.weight, **self.how)
