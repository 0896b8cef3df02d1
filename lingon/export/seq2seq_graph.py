"""An encoder-decoder as two graphs: one encodes a source, the other generates the next token of its target."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lingon.export.recurrent_graph import RecurrentDecoderGraph, states_of
from lingon.export.traced_cache import TracedCache
from lingon.layers.attention_mask import padding_mask
from lingon.layers.cross_attention_cache import CrossAttentionCache, SourceRows
from lingon.layers.recurrent_state import RecurrentState


class EncoderGraph(nn.Module):
    """(ids [B, S], mask [B, S]) -> the tensors of the sources, then those of an empty target."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        state = self.model.new_state(self.model.encode(ids, mask))
        return (*memory_of(state), *target_of(state))


class DecoderGraph(nn.Module):
    """(ids [B, 1], mask [B, S], tensors of sources and targets) -> logits [B, V], and the new tensors of targets."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def forward(self, ids: Tensor, mask: Tensor, memory: list[Tensor], target: list[Tensor]) -> tuple[Tensor, ...]:
        rows, columns = mask.shape  # asserts tell the trace which sizes are equal
        assert all(x.shape[0] == rows for x in (*memory, *target))
        assert all(x.shape[2] == columns for x in memory)
        assert all(x.shape[2] == target[0].shape[2] for x in target)
        state = self._state(mask, memory, target)
        hidden, after = self.model.hidden(ids, state)
        return (self.model.head(hidden[:, -1]), *target_of(after))

    def _state(self, mask: Tensor, memory: Sequence[Tensor], target: Sequence[Tensor]) -> CrossAttentionCache:
        keys, values = memory[::2], memory[1::2]
        own = TracedCache(target[::2], target[1::2], self.model.context_length)
        rows = SourceRows(torch.arange(mask.shape[0]), mask.shape[0])
        state = CrossAttentionCache(own, tuple(keys), tuple(values), mask, rows)
        # Both depend on values of tensors, which a graph cannot inspect: row i has source i, and some are padded.
        rows.__dict__["alone"], state.__dict__["attention_mask"] = True, padding_mask(mask)
        return state


def decoder_graph(model: nn.Module, state: CrossAttentionCache) -> DecoderGraph | RecurrentDecoderGraph:
    """Return the graph of a decoder with such a state."""
    return RecurrentDecoderGraph(model) if isinstance(state.own, RecurrentState) else DecoderGraph(model)


def memory_of(state: CrossAttentionCache) -> list[Tensor]:
    """Return the keys and values of the sources in each layer; with a copy mechanism also their ids, last."""
    found = [tensor for pair in zip(state.keys, state.values, strict=True) for tensor in pair]
    return found if state.ids is None else [*(x for x in found if x.shape[-1]), state.ids.clone()]


def target_of(state: CrossAttentionCache) -> list[Tensor]:
    """Return the tensors of the target so far: keys and values, at first with no columns, or recurrent states."""
    own = state.own
    if isinstance(own, RecurrentState):
        return states_of(own)
    if own.length or isinstance(own, TracedCache):
        return [t for pair in zip(own.keys, own.values, strict=True) for t in pair if t is not None]
    return [tensor[:, :, :0] for tensor in memory_of(state)]
