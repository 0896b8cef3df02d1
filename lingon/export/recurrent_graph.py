"""A recurrent decoder with attention as a graph that reads one token, and returns its new states."""

import copy
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lingon.export.cached_step import OneTime
from lingon.export.one_gru import OneTimeGRU
from lingon.layers.attention_mask import padding_mask
from lingon.layers.copy_attention import LEAST, CopyHead
from lingon.layers.cross_attention_cache import CrossAttentionCache, SourceRows
from lingon.layers.recurrent_state import RecurrentState


class RecurrentDecoderGraph(nn.Module):
    """(ids [B, 1], mask [B, S], tensors of the sources, states [B, H]) -> logits [B, V], and the new states.

    With a copy mechanism, the last tensor of the sources is their ids [B, S], and logits are log-probabilities.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        copied: Any = copy.deepcopy(model, {id(t): t for t in [*model.parameters(), *model.buffers()]})
        one_time = OneTimeGRU if isinstance(copied.decoder[0], nn.GRU) else OneTime
        self.gated = one_time is OneTimeGRU
        copied.decoder = nn.ModuleList(map(one_time, copied.decoder))
        self.model: Any = copied

    def forward(self, ids: Tensor, mask: Tensor, memory: list[Tensor], target: list[Tensor]) -> tuple[Tensor, ...]:
        rows, columns = mask.shape  # asserts tell the trace which sizes are equal
        assert all(x.shape[0] == rows for x in (*memory, *target))
        assert all(x.shape[-2 if x.ndim > 2 else 1] == columns for x in memory)
        state, output = self._state(mask, memory, target), self.model.output
        hidden, after = self.model.hidden(ids, state)
        if not isinstance(output, CopyHead):
            return (self.model.head(hidden[:, -1]), *states_of(after.own))
        weights = output.weights(hidden, state.layer(1))[:, -1]
        shares = output.shares(hidden[:, -1], weights, memory[-1])
        # The exporter treats such a small number as 0 and drops it, so it is added as 1 after division.
        return ((shares / LEAST + 1).log() + math.log(LEAST), *states_of(after.own))

    def _state(self, mask: Tensor, memory: Sequence[Tensor], target: Sequence[Tensor]) -> CrossAttentionCache:
        depth = len(self.model.decoder)
        if self.gated:  # a GRU has no cell: one of width 0
            pairs = [(h, h[:, :0]) for h in target[:depth]]
        else:
            pairs = list(zip(target[: 2 * depth : 2], target[1 : 2 * depth : 2], strict=True))
        fed = target[-1] if self.model.input_feeding else target[0][:, :0]
        own = RecurrentState((*pairs, (fed, fed[:, :0])), 0)
        rows = SourceRows(torch.arange(mask.shape[0]), mask.shape[0])
        pointed = memory[2:3]  # keys of copying, which has no values
        keys, values = (memory[0], *pointed), (memory[1], *(x[..., :0] for x in pointed))
        state = CrossAttentionCache(own, keys, values, mask, rows)
        # Both depend on values of tensors, which a graph cannot inspect: row i has source i, and some are padded.
        rows.__dict__["alone"], state.__dict__["attention_mask"] = True, padding_mask(mask)
        return state


def states_of(own: RecurrentState) -> list[Tensor]:
    """Return the non-empty states of a decoder: h and c of each layer, and the input-feeding vector, if any."""
    return [tensor for pair in own.layers for tensor in pair if tensor.shape[1]]
