"""Compilation of a model by torch.compile, as an option."""

import shutil
from typing import Any

import torch
from torch import nn

from lingon.core.errors import UserError


def compile_model(model: nn.Module) -> nn.Module:
    """Return the model, to be compiled for batches of any size when it first runs. Worth it for long runs only.

    Raises UserError where there is no C++ compiler, which the CPU code needs.
    """
    on_cpu = all(p.device.type == "cpu" for p in model.parameters())
    if on_cpu and not any(map(shutil.which, ("c++", "g++", "clang++", "cl"))):
        raise UserError("torch.compile needs a C++ compiler such as g++; install one, or train without compiling")
    compiled: Any = torch.compile(model, dynamic=True)  # annotated as a function; for a module it is a module
    return compiled
