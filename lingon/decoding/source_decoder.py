"""A model with sources as decoding asks for it: they are encoded once, then logits follow the tokens of the target."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import torch
from torch import nn

from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Int, Tensor
from lingon.decoding.decoder_protocol import DecoderState

ReadSources = Callable[[Sequence[Any]], Sequence[Tensor]]


class SourceDecoder:
    """Run a model in evaluation mode, whatever mode it is in and goes into: others may be training it.

    model: has `encode`, `new_state`, `hidden` and `head` as `lingon.models.encoder_decoder.EncoderDecoder` has them.
    read: gives the tensors that `encode` takes, of sources that are all different. columns: of a batch with padding,
    which may be more than the context; 0 is as many as the context.
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
        if self.columns and hasattr(getattr(state, "own", state), "with_limit"):  # a recurrent one has no columns
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
