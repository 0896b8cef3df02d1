"""A captioner as two graphs: one encodes an image, the other generates the next token of its caption."""

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
    """Images [B, H, W, 3], float32 from 0 to 255 -> the tensors of images, then those of an empty caption.

    Pixels are as in files and canvases: a program only has to resize an image for the model.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        state = self.model.new_state(self.model.encode(images.permute(0, 3, 1, 2) / 255))
        return (*image_tensors(state), *caption_tensors(state))


class CaptionGraph(nn.Module):
    """(ids [B, 1], tensors of images and of the caption) -> logits [B, V], and the new tensors of the caption."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def forward(self, ids: Tensor, memory: list[Tensor], target: list[Tensor]) -> tuple[Tensor, ...]:
        assert all(x.shape[0] == ids.shape[0] for x in (*memory, *target))  # tells the trace which sizes are equal
        assert all(x.shape[2] == target[0].shape[2] for x in target)
        hidden, after = self.model.hidden(ids, self._state(memory, target))
        return (self.model.head(hidden[:, -1]), *caption_tensors(after))

    def _state(self, memory: Sequence[Tensor], target: Sequence[Tensor]) -> CrossAttentionCache:
        keys, values = memory[::2], memory[1::2]
        own = TracedCache(target[::2], target[1::2], self.model.context_length)
        rows = SourceRows(torch.arange(keys[0].shape[0]), keys[0].shape[0])
        mask = torch.ones(keys[0].shape[0], keys[0].shape[2], dtype=torch.bool)
        state = CrossAttentionCache(own, tuple(keys), tuple(values), mask, rows)
        # Both depend on values of tensors, which a graph cannot inspect: row i has image i, and sees all of it.
        rows.__dict__["alone"], state.__dict__["attention_mask"] = True, None
        return state


class RecurrentCaptionGraph(nn.Module):
    """(ids [B, 1], states [B, H]) -> logits [B, V], and the new states. The model must come from `one_time`."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def forward(self, ids: Tensor, target: list[Tensor]) -> tuple[Tensor, ...]:
        hidden, after = self.model.hidden(ids, RecurrentState(((target[0], target[1]),), 0))
        return (self.model.head(hidden[:, -1]), *caption_tensors(after))


def one_time(model: nn.Module) -> nn.Module:
    """Return a model whose LSTM is replaced by one of a single step with the same weights; others unchanged."""
    if not isinstance(getattr(model, "decoder", None), nn.LSTM):
        return model
    copied: Any = copy.deepcopy(model, {id(t): t for t in [*model.parameters(), *model.buffers()]})
    copied.decoder = OneTime(copied.decoder)
    return copied


def image_tensors(state: Any) -> list[Tensor]:
    """Return the keys and values of image positions in each layer; empty for a model that reads an image only once."""
    return [] if isinstance(state, RecurrentState) else memory_of(state)


def caption_tensors(state: Any) -> list[Tensor]:
    """Return the tensors of the caption so far: keys and values, at first with no columns, or recurrent states."""
    return list(state.layers[0]) if isinstance(state, RecurrentState) else target_of(state)
