"""Logits processors that change a few tokens of each row alone: forbidden ones, penalized ones, one that is forced.

Each says which tokens it changes, so that a search need not look at the others; see `token_changes`.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor
from lingon.decoding.decoder_protocol import TokenSequence

Places = tuple[Int[Tensor, " _"], Int[Tensor, " _"]]  # rows and tokens, as many of each


def places_of(tokens: Iterable[Collection[int]], device: torch.device) -> Places:
    """Return the tokens of each row as two indices."""
    pairs = [(i, token) for i, some in enumerate(tokens) for token in some]
    rows, columns = torch.tensor(pairs, dtype=torch.long, device=device).view(-1, 2).unbind(1)
    return rows, columns


class Suppress:
    """Forbid tokens, whatever came before. ids: of them."""

    def __init__(self, ids: Int[Tensor, " N"]):
        self.ids = ids

    def __call__(self, logits: Float[Tensor, "B V"], rows: object = ()) -> Float[Tensor, "B V"]:
        return logits.index_fill(1, self.ids.to(logits.device), -torch.inf) if len(self.ids) else logits


class Forbid(ABC):
    """Forbid tokens by what came before in their row, and change nothing else."""

    @abstractmethod
    def forbidden(self, row: TokenSequence) -> Collection[int]:
        """Return the tokens that cannot come next."""

    def __call__(self, logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence]) -> Float[Tensor, "B V"]:
        places = places_of(map(self.forbidden, rows), logits.device)
        return logits.index_put(places, logits.new_tensor(-torch.inf))


class NoRepeatNgrams(Forbid):
    """Forbid every n-gram of tokens that the row holds already."""

    def __init__(self, n: int):
        self.n = n

    def forbidden(self, row: TokenSequence) -> set[int]:
        """Return the tokens that would complete a run of n that the row holds already."""
        ids, n = row.ids, self.n
        last = ids[len(ids) - n + 1 :]
        return {ids[at + n - 1] for at in range(len(ids) - n + 1) if ids[at : at + n - 1] == last}


class ForbidPhrases(Forbid):
    """Forbid phrases of two tokens or more: the last token of one cannot follow the others, the prompt among them."""

    def __init__(self, phrases: Iterable[Sequence[int]]):
        self.after: dict[tuple[int, ...], set[int]] = {}
        for *begun, last in phrases:
            self.after.setdefault(tuple(begun), set()).add(last)
        self.lengths = sorted({len(begun) for begun in self.after})

    def forbidden(self, row: TokenSequence) -> set[int]:
        """Return the last tokens of the phrases that the row ends in all others of."""
        ends = (self.after.get(tuple(row.ids[-length:]), ()) for length in self.lengths)
        return {token for some in ends for token in some}


class MinLength(Forbid):
    """Forbid the end before a row has so many tokens, its prompt among them."""

    def __init__(self, tokens: int, eos_ids: Collection[int]):
        self.tokens, self.eos_ids = tokens, eos_ids

    def forbidden(self, row: TokenSequence) -> Collection[int]:
        """Return the ids that end a text, where the row is too short."""
        return self.eos_ids if len(row.ids) < self.tokens else ()


class RepetitionPenalty:
    """Divide positive logits of tokens that the row holds, and multiply negative ones."""

    def __init__(self, penalty: float | int):
        self.penalty = penalty

    def __call__(self, logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence]) -> Float[Tensor, "B V"]:
        places = self.seen(rows, logits.device)
        found = logits[places]
        return logits.index_put(places, torch.where(found > 0, found / self.penalty, found * self.penalty))

    def seen(self, rows: Sequence[TokenSequence], device: torch.device) -> Places:
        """Return the tokens that each row holds, each of them once."""
        return places_of((set(row.ids) for row in rows), device)


class ForcedToken:
    """Leave one token alone as the `at`-th new one, with a logit of 0."""

    def __init__(self, token: int, at: int):
        self.token, self.at = token, at

    def due(self, row: TokenSequence) -> bool:
        """Return whether the token must come next."""
        return len(row.ids) - row.prompt_length == self.at - 1

    def __call__(self, logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence]) -> Float[Tensor, "B V"]:
        if not 0 <= self.token < logits.shape[-1]:
            raise UserError(f"token {self.token} is forced; expected an id from 0 to {logits.shape[-1] - 1}")
        due = torch.tensor([self.due(row) for row in rows], device=logits.device)
        alone = torch.full_like(logits[:1], -torch.inf)
        alone[:, self.token] = 0.0
        return torch.where(due[:, None], alone, logits)


def renormalize(logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence] = ()) -> Float[Tensor, "B V"]:
    """Return log-probabilities that sum to 1 over what is left."""
    return logits.log_softmax(-1)
