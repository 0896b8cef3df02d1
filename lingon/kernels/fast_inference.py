"""A model with linear layers optimized for large batches on a CPU, in one of three precisions, beside the original."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from lingon.core.errors import unknown
from lingon.core.eval_view import eval_view
from lingon.kernels.bfloat16_linear import BFloat16Linear
from lingon.kernels.int8_dynamic import DynamicInt8Linear
from lingon.kernels.packed_linear import pack_linear, swap_linear

LAYOUTS: Mapping[str, Callable[[nn.Linear], nn.Module]] = {
    "float32": pack_linear,
    "bfloat16": BFloat16Linear,
    "int8": DynamicInt8Linear,
}


@dataclass
class FastInference:
    """Optimized twins of a model, each made when first requested and again when weights have changed.

    layouts: functions that replace a linear layer, by the name of the precision.
    """

    model: nn.Module
    layouts: Mapping[str, Callable[[nn.Linear], nn.Module]] = field(default_factory=lambda: LAYOUTS)
    _made: dict[str, tuple[tuple, nn.Module]] = field(default_factory=dict)

    def twin(self, precision: str) -> nn.Module:
        """Return the model in evaluation mode with its linear layers in a precision, a name of `layouts`.

        Raises UserError for any other name.
        """
        if precision not in self.layouts:
            raise unknown("precision", precision, self.layouts)
        state = tuple((id(p), p.data_ptr(), p._version) for p in self.model.parameters())
        known = self._made.get(precision)
        if known is None or known[0] != state:
            known = self._made[precision] = state, swap_linear(eval_view(self.model), self.layouts[precision])
        return known[1]


def autocast_for(precision: str) -> contextlib.AbstractContextManager:
    """Return the context in which to run a twin: bfloat16 autocast for its other operators, or none."""
    return torch.autocast("cpu", torch.bfloat16) if precision == "bfloat16" else contextlib.nullcontext()
