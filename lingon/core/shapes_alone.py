"""Creates models on the meta device: with shapes, but without memory and initialisation of their weights."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

DRAWS = ("normal_", "uniform_", "trunc_normal_", "kaiming_uniform_", "kaiming_normal_", "xavier_uniform_")


@contextlib.contextmanager
def shapes_alone() -> Iterator[None]:
    """Make tensors with a shape but without memory, for a model whose weights are read afterwards.

    No random numbers are drawn for them: PyTorch would import its compiler for that, which costs 70 MB and a second in
    every command that loads a model (docs/log.md).
    """
    with torch.device("meta"), _NothingDrawn():
        yield


class _NothingDrawn(TorchFunctionMode):
    """Replaces random initialisation by returning the tensor unchanged."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        if getattr(func, "__name__", "") in DRAWS:
            tensor = named["tensor"] if "tensor" in named else args[0]
            if tensor.device.type == "meta":
                return tensor
        return func(*args, **named)
