"""Models without memory: their shapes are there, and nothing is drawn for their weights."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

DRAWS = ("normal_", "uniform_", "trunc_normal_", "kaiming_uniform_", "kaiming_normal_", "xavier_uniform_")


@contextlib.contextmanager
def shapes_alone() -> Iterator[None]:
    """Make tensors that have a shape and take no memory, as of a model whose weights are read afterwards.

    Random numbers are not drawn for them. PyTorch would import its compiler to draw numbers that do not exist: 70 MB
    and a second of every command that loads a model (docs/log.md).
    """
    with torch.device("meta"), _NothingDrawn():
        yield


class _NothingDrawn(TorchFunctionMode):
    """Returns a tensor as it is in place of random numbers in it."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        if getattr(func, "__name__", "") in DRAWS:
            tensor = named["tensor"] if "tensor" in named else args[0]
            if tensor.device.type == "meta":
                return tensor
        return func(*args, **named)
