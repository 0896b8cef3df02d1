"""One step of a causal model as a graph: ids and the previous state, to logits and the new state."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Tensor
from lingon.layers.attention_mask import AttentionMask
from lingon.layers.recurrent_state import RecurrentState
from lingon.layers.transformer import BlockModel
from lingon.models.registry import entry_of_model

BATCH, PAST, TOTAL = "batch", "past", "total"  # axes that vary; `total` is the past and the new tokens


@dataclass(frozen=True)
class StateTensor:
    """A tensor of the state of a model: its names as an input and as an output, and its axes as names or sizes."""

    input: str
    output: str
    shape: tuple[str | int, ...]

    def row(self) -> dict[str, Any]:
        """Return the fields by name, for config.json."""
        return {"input": self.input, "output": self.output, "shape": list(self.shape)}

    @property
    def varying(self) -> list[int]:
        """Return the axes of variable size."""
        return [axis for axis, size in enumerate(self.shape) if isinstance(size, str)]

    def zeros(self, batch: int, past: int = 0) -> Tensor:
        """Return a tensor of zeros, for the state before the first token or after `past` tokens."""
        sizes: dict[str | int, int] = {BATCH: batch, PAST: past}
        return torch.zeros([sizes[size] if isinstance(size, str) else size for size in self.shape])


class CachedStep(nn.Module):
    """A causal model of blocks: ids [B, S], keys and values of each layer [B, H, P, K] to logits and extended ones.

    All rows have read equally many tokens. The names are those of ONNX runtimes.
    """

    at_once: int | None = None  # tokens that are read in one call; None is any number

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def state(self) -> list[StateTensor]:
        """Return the tensors of the state, in the order of the inputs after the ids."""
        attention = self.model.blocks[0].attention
        shape = (BATCH, attention.kv_heads, PAST, attention.head_width)
        parts = [(layer, kind) for layer in range(len(self.model.blocks)) for kind in ("key", "value")]
        return [StateTensor(f"past_key_values.{i}.{kind}", f"present.{i}.{kind}", shape) for i, kind in parts]

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the logits [B, S, V] after each of the ids, and the state."""
        ids, past = inputs[0], inputs[1:]
        key = torch.arange(past[0].shape[2] + ids.shape[1], device=ids.device)
        query = key[past[0].shape[2] :]
        x = self.model.embedded(ids, query[None])
        rotaries = getattr(self.model, "rotaries", {})
        rotations = {name: tuple(t[None, None] for t in rotary.at(query, x)) for name, rotary in rotaries.items()}
        present: list[Tensor] = []
        for layer, block in enumerate(self.model.blocks):
            back = query[:, None] - key
            seen = back >= 0 if block.window is None else (back >= 0) & (back < block.window)
            cache = _Longer(past[2 * layer : 2 * layer + 2], present)
            x = block(x, AttentionMask(seen), cache=cache, rotation=rotations.get(block.rotary))
        return self.model.head(self.model.norm(x)), *present


class _Longer:
    """Appends new keys and values to the past ones, and keeps both for the output."""

    def __init__(self, past: Sequence[Tensor], present: list[Tensor]):
        self.past, self.present = past, present

    def __call__(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        found = torch.cat([self.past[0], keys], 2), torch.cat([self.past[1], values], 2)
        self.present += found
        return found


class OneTime(nn.Module):
    """An LSTM of one layer and direction at a single time step, as matrix products (Hochreiter and Schmidhuber 1997).

    torch's own operator does not declare the size of its state, so that it cannot be traced.
    """

    def __init__(self, lstm: Any):
        super().__init__()
        self.hidden_size = lstm.hidden_size
        self.input: nn.Parameter
        self.recurrent: nn.Parameter
        self.input, self.recurrent = lstm.weight_ih_l0, lstm.weight_hh_l0
        self.bias = nn.Parameter(lstm.bias_ih_l0 + lstm.bias_hh_l0, requires_grad=False)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the output [1, B, H] of x [1, B, W], and the new state, h and c [1, B, H]."""
        h, c = state
        gates = F.linear(x, self.input, self.bias) + F.linear(h, self.recurrent)
        enters, stays, new, leaves = gates.chunk(4, -1)
        c = stays.sigmoid() * c + enters.sigmoid() * new.tanh()
        h = leaves.sigmoid() * c.tanh()
        return h, (h, c)


class RecurrentStep(nn.Module):
    """A recurrent model, a token at a time: ids [B, 1], h and c of each layer [B, H] to logits and the new h and c."""

    at_once: int | None = 1

    def __init__(self, model: nn.Module):
        super().__init__()
        copied: Any = copy.deepcopy(model, {id(t): t for t in [*model.parameters(), *model.buffers()]})
        copied.layers = nn.ModuleList(map(OneTime, copied.layers))
        self.model: Any = copied

    def state(self) -> list[StateTensor]:
        """Return the tensors of the state, in the order of the inputs after the ids."""
        widths = [layer.hidden_size for layer in self.model.layers]
        parts = [(layer, kind, width) for layer, width in enumerate(widths) for kind in "hc"]
        return [StateTensor(f"past.{i}.{kind}", f"present.{i}.{kind}", (BATCH, width)) for i, kind, width in parts]

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the logits [B, S, V] after each of the ids, and the state."""
        ids, past = inputs[0], inputs[1:]
        state = RecurrentState(tuple(zip(past[::2], past[1::2], strict=True)), 0)
        hidden, after = self.model.hidden(ids, state)
        return self.model.head(hidden), *(tensor for pair in after.layers for tensor in pair)


def step_of(model: nn.Module) -> CachedStep | RecurrentStep:
    """Return the step of a causal model. Raises UserError for a model that is neither made of blocks nor recurrent."""
    if isinstance(model, BlockModel):
        return CachedStep(model)
    entry = entry_of_model(model)
    if entry is not None and entry.recurrent:
        return RecurrentStep(model)
    raise UserError(f"{type(model).__name__} has no step that can be exported; models of blocks and LSTMs have one")
