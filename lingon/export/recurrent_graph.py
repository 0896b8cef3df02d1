"""A recurrent decoder with attention as a graph of tensors that reads one token, and hands its states on."""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lingon.core.errors import UserError
from lingon.export.cached_step import OneTime
from lingon.layers.attention_mask import padding_mask
from lingon.layers.cross_attention_cache import CrossAttentionCache, SourceRows
from lingon.layers.recurrent_state import RecurrentState


class RecurrentDecoderGraph(nn.Module):
    """(ids [B, 1], mask [B, S], tensors of the sources, states [B, H]) -> logits [B, V], and the states anew.

    Raises UserError for a model of GRUs, whose encoder is no operator of any length in a graph, and for one that
    copies, whose logits are as many as the ids of its sources say.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        configured: Any = model  # every model of ours has config()
        for option, usual in (("cell", "lstm"), ("copy", False)):
            if (value := configured.config().get(option, usual)) != usual:
                found = f"{option} {value}; train one with --set {option}={str(usual).lower()}"
                raise UserError(f"not exported: there are no graphs of recurrent encoder-decoders with {found}")
        copied: Any = copy.deepcopy(model, {id(t): t for t in [*model.parameters(), *model.buffers()]})
        copied.decoder = nn.ModuleList(map(OneTime, copied.decoder))
        self.model: Any = copied

    def forward(self, ids: Tensor, mask: Tensor, memory: list[Tensor], target: list[Tensor]) -> tuple[Tensor, ...]:
        rows, columns = mask.shape  # asserts say to the trace which sizes are one
        assert all(x.shape[0] == rows for x in (*memory, *target))
        assert all(x.shape[2] == columns for x in memory)
        hidden, after = self.model.hidden(ids, self._state(mask, memory, target))
        return (self.model.head(hidden[:, -1]), *states_of(after.own))

    def _state(self, mask: Tensor, memory: Sequence[Tensor], target: Sequence[Tensor]) -> CrossAttentionCache:
        depth = len(self.model.decoder)
        pairs = list(zip(target[: 2 * depth : 2], target[1 : 2 * depth : 2], strict=True))
        fed = target[-1] if self.model.input_feeding else target[0][:, :0]
        own = RecurrentState((*pairs, (fed, fed[:, :0])), 0)
        rows = SourceRows(torch.arange(mask.shape[0]), mask.shape[0])
        state = CrossAttentionCache(own, tuple(memory[::2]), tuple(memory[1::2]), mask, rows)
        # Both would be found by looking into tensors, which a graph cannot: row i has source i, and some are padded.
        rows.__dict__["alone"], state.__dict__["attention_mask"] = True, padding_mask(mask)
        return state


def states_of(own: RecurrentState) -> list[Tensor]:
    """Return the states of a decoder that have numbers: h and c of each layer, and what is fed back, if anything is."""
    return [tensor for pair in own.layers for tensor in pair if tensor.shape[1]]
