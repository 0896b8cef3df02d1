"""An adapter of encoder-decoder models to the decoding protocol: sources are encoded once, then the target decoded."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import torch
from torch import nn

from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Int, Tensor
from lingon.decoding.decoder_protocol import DecoderState

ReadSources = Callable[[Sequence[Any]], Sequence[Tensor]]


class SourceDecoder:
    """Runs a model in evaluation mode without changing its mode, since it may be in training at the same time.

    model: has `encode`, `new_state`, `hidden` and `head` like `lingon.models.encoder_decoder.EncoderDecoder`.
    read: a function from distinct sources to the tensors for `encode`. columns: of a batch with padding, which may
    exceed the context length; 0 means the context length.
    """

    def __init__(self, model: nn.Module, read: ReadSources, columns: int = 0):
        self.model: Any = eval_view(model)
        self.read, self.columns = read, columns

    @property
    def device(self) -> torch.device:
        """Return the device of the weights."""
        return next(self.model.parameters()).device

    def begin(self, sources: Sequence[Hashable]) -> DecoderState:
        """Return the state before the first token, with a row for each source. Equal ones are encoded once.

        Raises UserError for a source that cannot be read.
        """
        different = {source: number for number, source in enumerate(dict.fromkeys(sources))}
        state = self.model.new_state(self.model.encode(*(x.to(self.device) for x in self.read(list(different)))))
        if self.columns and hasattr(getattr(state, "own", state), "with_limit"):  # a recurrent state has no columns
            state = state.with_limit(self.columns)
        if len(different) == len(sources):
            return state
        return state.select(torch.tensor([different[source] for source in sources]))

    def step(
        self, ids: Int[Tensor, "B S"], state: Any, mask: Tensor | None = None
    ) -> tuple[Float[Tensor, "B V"], DecoderState]:
        """Return the logits after the last of the ids, and the new state."""
        hidden, state = self.model.hidden(ids, state, mask)
        return self.model.head(hidden[:, -1]).float(), state
