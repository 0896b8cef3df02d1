"""The interface of encoders, which compute a contextual vector for each token."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.layers.attention_mask import AttentionMask, padding_mask
from lingon.layers.packing import pack, worth_packing

# (ids [B, T], positions [B, T], token types [B, T] or None, attention mask) -> hidden [B, T, D]
RunLayers = Callable[[Tensor, Tensor, Tensor | None, AttentionMask], Tensor]


@runtime_checkable
class Encoder(Protocol):
    """A model of contextual token vectors, for tagging, classification and sentence vectors. width: D."""

    width: int

    def __call__(
        self, ids: Int[Tensor, "B T"], mask: Bool[Tensor, "B T"], token_types: Int[Tensor, "B T"] | None = None
    ) -> Float[Tensor, "B T D"]: ...


def run_tokens(
    run: RunLayers,
    ids: Int[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    token_types: Int[Tensor, "B T"] | None,
    context_length: int,
) -> Float[Tensor, "B T D"]:
    """Return the result of `run` for a padded batch; on a CPU, only tokens are computed, and padding is zero.

    Positions are those of `token_positions`. Raises UserError for a text longer than the context length.
    """
    if worth_packing(mask):
        packed = pack(mask)
        check_length(packed.longest, context_length)
        types = None if token_types is None else packed.take(token_types)
        return packed.put_back(run(packed.take(ids), packed.positions, types, packed.attention_mask))
    check_length(ids.shape[1], context_length)
    return run(ids, token_positions(mask), token_types, padding_mask(mask))


def token_positions(mask: Bool[Tensor, "B T"]) -> Int[Tensor, "B T"]:
    """Return the position of each token in its text, from 0; padding has that of the token before it."""
    return (mask.cumsum(1) - 1).clamp(min=0)


def check_length(length: int, most: int) -> None:
    """Raise UserError for a text with more tokens than the model reads."""
    if length > most:
        raise UserError(f"a text has {length:,} tokens, the model reads at most {most:,}; cut longer ones")
