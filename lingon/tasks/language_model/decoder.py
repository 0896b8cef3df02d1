"""A causal model as decoding asks for it: states before the first token, and logits after the tokens that it reads."""

from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch import nn

from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Int, Tensor
from lingon.decoding.decoder_protocol import DecoderState
from lingon.layers.kv_cache import KVCache


class CausalDecoder:
    """Run a causal model in evaluation mode, whatever mode it is in and goes into: others may be training it.

    columns: of a batch with padding, which may be more than the context; 0 is as many as the context.
    """

    def __init__(self, model: nn.Module, columns: int = 0):
        self.model: Any = eval_view(model)
        self.columns = columns

    @property
    def device(self) -> torch.device:
        """Return the device of the weights."""
        return self.model.embedding.weight.device

    def begin(self, sources: Sequence[Hashable] = (None,)) -> DecoderState:
        """Return the state before the first token of so many rows; a plain language model has no other source."""
        state = self.model.new_state(len(sources), None)
        return state.with_limit(self.columns) if isinstance(state, KVCache) else state

    def hidden(
        self, ids: Int[Tensor, "B S"], state: Any, mask: Tensor | None = None
    ) -> tuple[Float[Tensor, "B S D"], DecoderState]:
        """Return the hidden states after each of the ids, and the new state."""
        return self.model.hidden(ids, state, mask)

    def head(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        """Return the logits of hidden states."""
        return self.model.head(hidden).float()

    def step(
        self, ids: Int[Tensor, "B S"], state: Any, mask: Tensor | None = None
    ) -> tuple[Float[Tensor, "B V"], DecoderState]:
        """Return the logits after the last of the ids, and the new state."""
        hidden, state = self.model.hidden(ids, state, mask)
        return self.head(hidden[:, -1]), state

    def all_logits(self, ids: Int[Tensor, "B S"], state: Any) -> tuple[Float[Tensor, "B S V"], DecoderState]:
        """Return the logits after each of the ids, and the new state."""
        hidden, state = self.model.hidden(ids, state)
        return self.head(hidden), state
