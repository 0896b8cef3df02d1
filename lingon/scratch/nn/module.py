"""Modules, which contain parameters and other modules, and the parameters."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lingon.core.errors import one_of, unknown
from lingon.scratch import create
from lingon.scratch.arguments import check_arguments, check_construction
from lingon.scratch.dimensions import shape_of
from lingon.scratch.error_context import ArrayTypeError, fail
from lingon.scratch.grad_mode import no_grad
from lingon.scratch.tensor import Tensor


@check_construction
class Parameter(Tensor):
    """An array that is a trainable parameter of a module."""

    __slots__ = ()

    def __init__(self, data: Tensor, requires_grad: bool = True):
        super().__init__(data.array, requires_grad)


class Module:
    """A function with weights. Implement `forward`; parameters and modules assigned to attributes are registered."""

    training = True
    forward: Callable[..., Any]

    def __call__(self, *inputs: Any) -> Any:
        return self.forward(*inputs)

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """Return the direct submodules with their names."""
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Module))

    def modules(self) -> Iterator["Module"]:
        """Yield this module and all its submodules."""
        yield self
        for _, child in self.named_children():
            yield from child.modules()

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """Yield all parameters with their names, such as `0.weight`."""
        dot = f"{prefix}." if prefix else ""
        yield from ((dot + name, value) for name, value in vars(self).items() if isinstance(value, Parameter))
        for name, child in self.named_children():
            yield from child.named_parameters(dot + name)

    def parameters(self) -> Iterator[Parameter]:
        """Return all parameters, for an optimizer."""
        return (parameter for _, parameter in self.named_parameters())

    def state_dict(self) -> dict[str, Tensor]:
        """Return the parameters by name, sharing the memory of the module."""
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def load_state_dict(self, weights: dict[str, Tensor]) -> None:
        """Copy parameters by name. Raises when a name is missing or unknown, or a shape differs."""
        mine = dict(self.named_parameters())
        for name in weights:
            if name not in mine:
                raise unknown("weight", name, mine)
        missing = [name for name in mine if name not in weights]
        if missing:
            fail(f"weights are missing: {one_of(missing)}")
        for name, value in weights.items():
            if tuple(value.shape) != mine[name].shape:
                fail(f"the weight {name!r} is {shape_of(mine[name])} here and {shape_of(value)} in what is loaded")
        with no_grad():
            for name, value in weights.items():
                mine[name].copy_(create.as_tensor(np.asarray(value)))

    @check_arguments
    def train(self, mode: bool = True) -> "Module":
        """Set training mode, with dropout, or with False evaluation mode; return the module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> "Module":
        """Set evaluation mode, without dropout; return the module."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Reset all gradients to None."""
        for parameter in self.parameters():
            parameter.grad = None


class Sequential(Module):
    """Modules applied one after the other."""

    def __init__(self, *modules: Module):
        for i, module in enumerate(modules):
            if not isinstance(module, Module):
                fail(f"Sequential(): the argument number {i}, {module!r:.60}, is no module", ArrayTypeError)
            setattr(self, str(i), module)

    def forward(self, x: Tensor) -> Tensor:
        for _, module in self.named_children():
            x = module(x)
        return x

    def __len__(self) -> int:
        return sum(1 for _ in self.named_children())

    def __getitem__(self, i: int) -> Module:
        return [module for _, module in self.named_children()][i]
