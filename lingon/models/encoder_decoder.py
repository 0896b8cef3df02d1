"""The interface of encoder-decoders, which encode a source once, then generate the target token by token."""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.layers.losses import IGNORED


class Memory(NamedTuple):
    """The encoder's output for a batch of sources, which the decoder attends to.

    mask: True for tokens of the source. ids: of the source, if the decoder can copy tokens.
    """

    hidden: Float[Tensor, "B S D"]
    mask: Bool[Tensor, "B S"]
    ids: Int[Tensor, "B S"] | None = None


@runtime_checkable
class EncoderDecoder(Protocol):
    """A sequence-to-sequence model.

    start_id: read by the decoder before the first token of a target. eos_id: ends a target. pad_id: of padding.
    context_length: maximum number of tokens of a target, including start and end. source_length: of a source.
    """

    start_id: int
    eos_id: int
    pad_id: int
    context_length: int
    source_length: int

    def encode(self, ids: Int[Tensor, "B S"], mask: Bool[Tensor, "B S"] | None = None) -> Memory:
        """Return the memory of sources. mask: False where a row is padded on the right; None: no padding.

        Raises UserError for a source of more than `source_length` tokens.
        """

    def new_state(self, memory: Memory) -> Any:
        """Return the state of the decoder before its first token, a `lingon.decoding.decoder_protocol.DecoderState`.

        It has a row for each source; `select` may repeat a row, as for the beams of a search, without copying the
        memory.
        """

    def hidden(
        self, ids: Int[Tensor, "B T"], state: Any, mask: Bool[Tensor, "B T"] | None = None
    ) -> tuple[Float[Tensor, "B T D"], Any]:
        """Return the hidden states after each of the next tokens of the target, and the new state.

        mask: False where a row is padded on the left.
        """

    def head(self, hidden: Float[Tensor, "... D"]) -> Float[Tensor, "... V"]:
        """Return the logits of hidden states."""

    def __call__(
        self, source_ids: Int[Tensor, "B S"], source_mask: Bool[Tensor, "B S"], target_ids: Int[Tensor, "B T"]
    ) -> Float[Tensor, "B T D"]:
        """Return the hidden states after each token of whole targets, which begin with `start_id` (teacher forcing)."""

    def cross_attention(
        self, source_ids: Int[Tensor, "1 S"], target_ids: Int[Tensor, "1 T"]
    ) -> Float[Tensor, "L H T S"]:
        """Return the attention weights of each target token over the source tokens, in each layer and head."""


def check_source_length(length: int, most: int) -> None:
    """Raise UserError for a source with more tokens than the model reads."""
    if length > most:
        raise UserError(f"a source has {length:,} tokens, the model reads at most {most:,}; cut or divide longer ones")


def check_target_length(length: int, most: int) -> None:
    """Raise UserError for a target with more tokens than the model can generate."""
    if length > most:
        raise UserError(
            f"a target has {length:,} tokens, the model writes at most {most:,}; cut or leave out longer ones"
        )


def check_tokens(columns: int) -> None:
    """Raise UserError if there are no tokens for a decoder to read."""
    if not columns:
        raise UserError("there are no tokens to read; a target begins with the start")


def known_ids(ids: Int[Tensor, "B T"], vocab_size: int, unk_id: int, extended: int) -> Int[Tensor, "B T"]:
    """Return ids with embeddings: those of a source's unknown words are replaced by `unk_id`.

    extended: number of ids beyond the vocabulary for such words; other ids are unchanged.
    """
    return ids.masked_fill((ids >= vocab_size) & (ids < vocab_size + extended), unk_id) if extended else ids


def shifted_right(targets: Int[Tensor, "B T"], start_id: int, pad_id: int) -> Int[Tensor, "B T"]:
    """Return the decoder's input for these targets: shifted right by one, starting with `start_id`.

    >>> shifted_right(torch.tensor([[7, 2, IGNORED]]), start_id=1, pad_id=0).tolist()
    [[1, 7, 2]]
    """
    before = targets[:, :-1]
    before = torch.where(before == IGNORED, pad_id, before)
    return torch.cat([before.new_full((len(before), 1), start_id), before], 1)
