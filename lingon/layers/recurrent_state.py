"""The state of a recurrent language model, which is carried from one batch of text to the next."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor


@dataclass(frozen=True)
class RecurrentState:
    """The states of a stack of LSTMs after `length` tokens: (h, c) of shape [B, H] for each layer."""

    layers: tuple[tuple[Float[Tensor, "B _"], Float[Tensor, "B _"]], ...]
    length: int

    def select(self, rows: Int[Tensor, " N"]) -> "RecurrentState":
        """Return the states of these rows in this order; a row may occur several times."""
        return RecurrentState(tuple((h[rows], c[rows]) for h, c in self.layers), self.length)

    def rewind(self, tokens: int) -> "RecurrentState":
        """Raise UserError unless `tokens` is 0: the last tokens of a recurrent state cannot be removed."""
        if tokens:
            raise UserError("a recurrent model cannot undo tokens; speculative decoding needs a Transformer")
        return self

    def detach(self) -> "RecurrentState":
        """Return the same states, detached from the graph."""
        return RecurrentState(tuple((h.detach(), c.detach()) for h, c in self.layers), self.length)

    def tensors(self) -> dict[str, Tensor]:
        """Return the states by name, for a checkpoint."""
        return {f"{name}{i}": t for i, pair in enumerate(self.layers) for name, t in zip("hc", pair, strict=True)}

    @classmethod
    def from_tensors(cls, tensors: dict[str, Tensor], length: int) -> "RecurrentState":
        """Return the state from what `tensors` returned."""
        return cls(tuple((tensors[f"h{i}"], tensors[f"c{i}"]) for i in range(len(tensors) // 2)), length)

    def join(self, others: Sequence["RecurrentState"]) -> "RecurrentState":
        """Return one state of the rows of this and the other states. Its length is the largest."""
        pairs = zip(self.layers, *(other.layers for other in others), strict=True)
        layers = tuple((torch.cat([h for h, _ in layer]), torch.cat([c for _, c in layer])) for layer in pairs)
        return RecurrentState(layers, max(self.length, *(other.length for other in others), 0))

    @classmethod
    def scatter(cls, parts: Sequence[tuple[Int[Tensor, " N"], "RecurrentState"]], batch: int) -> "RecurrentState":
        """Return one state of `batch` rows from states of parts of the rows. parts: (rows, their state)."""

        def scattered(i: int, k: int) -> Tensor:
            first = parts[0][1].layers[i][k]
            out = first.new_zeros(batch, first.shape[1])
            for rows, part in parts:
                out = out.index_copy(0, rows, part.layers[i][k])
            return out

        layers = ((scattered(i, 0), scattered(i, 1)) for i in range(len(parts[0][1].layers)))
        return cls(tuple(layers), max(part.length for _, part in parts))


def zero_state(batch: int, widths: Sequence[int], like: Tensor) -> RecurrentState:
    """Return the state before the first token."""
    return RecurrentState(tuple((like.new_zeros(batch, w), like.new_zeros(batch, w)) for w in widths), 0)


def group_by_length(mask: Tensor) -> list[tuple[Int[Tensor, " N"], int]]:
    """Return the rows of a left-padded batch grouped by number of tokens: (rows, tokens). No row may be empty."""
    lengths = mask.sum(1)
    if not bool(lengths.all()):
        raise UserError("a row without any token has no state; give each at least one, such as the start of a text")
    return [(torch.nonzero(lengths == n)[:, 0], int(n)) for n in lengths.unique()]
