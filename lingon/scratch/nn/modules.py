"""Layers that hold their weights, and modules that hold layers; names and shapes are those of PyTorch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lingon.core.errors import one_of, unknown
from lingon.scratch import create
from lingon.scratch.blame import fail
from lingon.scratch.nn import functional as F
from lingon.scratch.tensor import Tensor, no_grad, shown


class Parameter(Tensor):
    """An array that a module learns."""

    __slots__ = ()

    def __init__(self, data: Tensor, requires_grad: bool = True):
        super().__init__(data.array, requires_grad)


class Module:
    """A function with weights. Write `forward`; parameters and modules that are set as attributes are found."""

    training = True

    def __call__(self, *inputs: Tensor) -> Tensor:
        return self.forward(*inputs)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules right inside of this one."""
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Module))

    def modules(self) -> Iterator[Module]:
        """This module and all inside of it."""
        yield self
        for _, child in self.named_children():
            yield from child.modules()

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """All parameters with their names, such as `0.weight`."""
        dot = f"{prefix}." if prefix else ""
        yield from ((dot + name, value) for name, value in vars(self).items() if isinstance(value, Parameter))
        for name, child in self.named_children():
            yield from child.named_parameters(dot + name)

    def parameters(self) -> Iterator[Parameter]:
        """All parameters, for an optimizer."""
        return (parameter for _, parameter in self.named_parameters())

    def state_dict(self) -> dict[str, Tensor]:
        """The weights by name, on the memory of the module."""
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def load_state_dict(self, weights: dict[str, Tensor]) -> None:
        """Takes over weights by name. Raises when a name is missing or not known, or a shape is another."""
        mine = dict(self.named_parameters())
        for name in weights:
            if name not in mine:
                raise unknown("weight", name, mine)
        missing = [name for name in mine if name not in weights]
        if missing:
            fail(f"weights are missing: {one_of(missing)}")
        for name, value in weights.items():
            if tuple(value.shape) != mine[name].shape:
                fail(f"the weight {name!r} is {shown(mine[name])} here and {shown(value)} in what is loaded")
        with no_grad():
            for name, value in weights.items():
                mine[name].copy_(create.as_tensor(np.asarray(value)))

    def train(self, mode: bool = True) -> Module:
        """Training, where dropout drops, or with False not."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """No training: dropout drops nothing."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        for parameter in self.parameters():
            parameter.grad = None


class Sequential(Module):
    """One module after the other."""

    def __init__(self, *modules: Module):
        for i, module in enumerate(modules):
            setattr(self, str(i), module)

    def forward(self, x: Tensor) -> Tensor:
        for _, module in self.named_children():
            x = module(x)
        return x

    def __len__(self) -> int:
        return sum(1 for _ in self.named_children())

    def __getitem__(self, i: int) -> Module:
        return [module for _, module in self.named_children()][i]


def _even(*size: int, inputs: int) -> Parameter:
    """Random weights between -1 and 1, divided by the root of the number of inputs."""
    return Parameter((create.rand(*size) * 2 - 1) / max(inputs, 1) ** 0.5)


class Linear(Module):
    """x [..., D] -> [..., O]: every output a sum of all inputs, each with its weight, and a bias."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True):
        self.weight = _even(out_features, in_features, inputs=in_features)
        self.bias = _even(out_features, inputs=in_features) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class Embedding(Module):
    """ids [...] -> [..., D]: a row of numbers for each id. The row `padding_idx` is 0 and does not learn."""

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None):
        self.weight, self.padding_idx = Parameter(create.randn(num_embeddings, embedding_dim)), padding_idx
        if padding_idx is not None:
            self.weight.array[padding_idx] = 0

    def forward(self, ids: Tensor) -> Tensor:
        return F.embedding(ids, self.weight, self.padding_idx)


class Conv1d(Module):
    """x [B, D, T] -> [B, O, T']: the same weights for every window of `kernel_size` steps."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, padding: int = 0):
        inputs = in_channels * kernel_size
        self.weight = _even(out_channels, in_channels, kernel_size, inputs=inputs)
        self.bias = _even(out_channels, inputs=inputs)
        self.stride, self.padding = stride, padding

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.weight, self.bias, self.stride, self.padding)


class Dropout(Module):
    """While training a share `p` of the numbers is 0."""

    def __init__(self, p: float = 0.5):
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p, self.training)


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

    def __call__(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        return self.forward(x, state)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        zeros = create.zeros(*x.shape[:-1], self.hidden_size, dtype=x.dtype)
        h, c = state or (zeros, zeros)
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


class ReLU(Module):
    """The larger of x and 0."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x)


class Tanh(Module):
    """tanh of each number."""

    def forward(self, x: Tensor) -> Tensor:
        return F.tanh(x)


class Sigmoid(Module):
    """sigmoid of each number."""

    def forward(self, x: Tensor) -> Tensor:
        return F.sigmoid(x)


class Flatten(Module):
    """All dimensions but the first as one."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


class CrossEntropyLoss(Module):
    """cross_entropy as a module."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(input, target)
