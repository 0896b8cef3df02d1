"""An encoder-decoder as decoding asks for it: sources are encoded once, then logits follow the tokens of the target."""

from collections.abc import Hashable, Sequence
from typing import Any

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.eval_view import eval_view
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.decoding.decoder_protocol import DecoderState


class SourceDecoder:
    """Run an encoder-decoder in evaluation mode, whatever mode it is in and goes into: others may be training it.

    model: an `lingon.models.encoder_decoder.EncoderDecoder`. columns: of a batch with padding, which may be more than
    the context; 0 is as many as the context.
    """

    def __init__(self, model: nn.Module, columns: int = 0):
        self.model: Any = eval_view(model)
        self.columns = columns

    @property
    def device(self) -> torch.device:
        """Return the device of the weights."""
        return next(self.model.parameters()).device

    def begin(self, sources: Sequence[Hashable]) -> DecoderState:
        """Return the state before the first token, with a row for each source, a tuple of ids. Equal ones are one.

        Raises UserError for a source that is empty or longer than the model reads.
        """
        different = {source: number for number, source in enumerate(dict.fromkeys(sources))}
        ids, mask = padded_right([_checked(source) for source in different], self.model.pad_id)
        state = self.model.new_state(self.model.encode(ids.to(self.device), mask.to(self.device)))
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


def _checked(source: Any) -> tuple[int, ...]:
    if not isinstance(source, tuple) or not source:
        raise UserError(f"a source is {str(source)[:40]!r}, expected a tuple of ids, one at least, such as the end")
    return source


def padded_right(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[Int[Tensor, "B S"], Bool[Tensor, "B S"]]:
    """Return rows as one tensor, the shorter ones padded on the right, and the mask of what is text.

    >>> padded_right([[7], [3, 5]], 0)[0].tolist()
    [[7, 0], [3, 5]]
    """
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad_id] * (longest - len(row))] for row in rows])
    return ids, torch.arange(longest) < torch.tensor([[len(row)] for row in rows])
