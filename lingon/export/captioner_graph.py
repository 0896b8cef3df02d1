"""A captioner as two graphs of tensors: one reads an image, the other says a token more of its caption."""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lingon.export.cached_step import OneTime
from lingon.export.seq2seq_graph import memory_of, target_of
from lingon.export.traced_cache import TracedCache
from lingon.layers.cross_attention_cache import CrossAttentionCache, SourceRows
from lingon.layers.recurrent_state import RecurrentState


class ImageGraph(nn.Module):
    """Images [B, H, W, 3], float32 from 0 to 255 -> the tensors of images, then those of a caption without a token.

    The pixels are as files and canvases have them: a program only brings an image to the size that the model reads.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        state = self.model.new_state(self.model.encode(images.permute(0, 3, 1, 2) / 255))
        return (*image_tensors(state), *caption_tensors(state))


class CaptionGraph(nn.Module):
    """(ids [B, 1], tensors of images and of the caption) -> logits [B, V], and the latter anew."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def forward(self, ids: Tensor, memory: list[Tensor], target: list[Tensor]) -> tuple[Tensor, ...]:
        assert all(x.shape[0] == ids.shape[0] for x in (*memory, *target))  # says to the trace which sizes are one
        assert all(x.shape[2] == target[0].shape[2] for x in target)
        hidden, after = self.model.hidden(ids, self._state(memory, target))
        return (self.model.head(hidden[:, -1]), *caption_tensors(after))

    def _state(self, memory: Sequence[Tensor], target: Sequence[Tensor]) -> CrossAttentionCache:
        keys, values = memory[::2], memory[1::2]
        own = TracedCache(target[::2], target[1::2], self.model.context_length)
        rows = SourceRows(torch.arange(keys[0].shape[0]), keys[0].shape[0])
        mask = torch.ones(keys[0].shape[0], keys[0].shape[2], dtype=torch.bool)
        state = CrossAttentionCache(own, tuple(keys), tuple(values), mask, rows)
        # Both would be found by looking into tensors, which a graph cannot: row i has image i, and sees all of it.
        rows.__dict__["alone"], state.__dict__["attention_mask"] = True, None
        return state


class RecurrentCaptionGraph(nn.Module):
    """(ids [B, 1], states [B, H]) -> logits [B, V], and the states anew. Its model is one of `one_time`."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def forward(self, ids: Tensor, target: list[Tensor]) -> tuple[Tensor, ...]:
        hidden, after = self.model.hidden(ids, RecurrentState(((target[0], target[1]),), 0))
        return (self.model.head(hidden[:, -1]), *caption_tensors(after))


def one_time(model: nn.Module) -> nn.Module:
    """Return a model whose LSTM is one of a single step, of the same weights; a model without one as it is."""
    if not isinstance(getattr(model, "decoder", None), nn.LSTM):
        return model
    copied: Any = copy.deepcopy(model, {id(t): t for t in [*model.parameters(), *model.buffers()]})
    copied.decoder = OneTime(copied.decoder)
    return copied


def image_tensors(state: Any) -> list[Tensor]:
    """Return the keys and values of the places in each layer; nothing of a model that reads an image once."""
    return [] if isinstance(state, RecurrentState) else memory_of(state)


def caption_tensors(state: Any) -> list[Tensor]:
    """Return the tensors of what was read of a caption: keys and values, at the start of no column, or states."""
    return list(state.layers[0]) if isinstance(state, RecurrentState) else target_of(state)
