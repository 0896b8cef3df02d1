"""Logits processors that change only a few tokens of each row: forbidden, penalized or forced ones.

Each tells which tokens it changes, so that a search need not examine the others; see `token_changes`.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int, Tensor
from lingon.decoding.decoder_protocol import TokenSequence

Places = tuple[Int[Tensor, " _"], Int[Tensor, " _"]]  # rows and tokens, pairwise


def places_of(tokens: Iterable[Collection[int]], device: torch.device) -> Places:
    """Return the tokens of each row as index tensors of rows and tokens."""
    pairs = [(i, token) for i, some in enumerate(tokens) for token in some]
    rows, columns = torch.tensor(pairs, dtype=torch.long, device=device).view(-1, 2).unbind(1)
    return rows, columns


class Suppress:
    """Forbid tokens, whatever came before. ids: of the tokens."""

    def __init__(self, ids: Int[Tensor, " N"]):
        self.ids = ids

    def __call__(self, logits: Float[Tensor, "B V"], rows: object = ()) -> Float[Tensor, "B V"]:
        return logits.index_fill(1, self.ids.to(logits.device), -torch.inf) if len(self.ids) else logits


class Forbid(ABC):
    """Forbid tokens depending on the previous tokens of the row, and change nothing else."""

    @abstractmethod
    def forbidden(self, row: TokenSequence) -> Collection[int]:
        """Return the tokens that cannot come next."""

    def __call__(self, logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence]) -> Float[Tensor, "B V"]:
        places = places_of(map(self.forbidden, rows), logits.device)
        return logits.index_put(places, logits.new_tensor(-torch.inf))


class NoRepeatNgrams(Forbid):
    """Forbid every n-gram of tokens that occurs already in the row."""

    def __init__(self, n: int):
        self.n = n

    def forbidden(self, row: TokenSequence) -> set[int]:
        """Return the tokens that would complete an n-gram that occurs already in the row."""
        ids, n = row.ids, self.n
        last = ids[len(ids) - n + 1 :]
        return {ids[at + n - 1] for at in range(len(ids) - n + 1) if ids[at : at + n - 1] == last}


class ForbidPhrases(Forbid):
    """Forbid phrases of two or more tokens: the last token cannot follow the others, which may be in the prompt."""

    def __init__(self, phrases: Iterable[Sequence[int]]):
        self.after: dict[tuple[int, ...], set[int]] = {}
        for *begun, last in phrases:
            self.after.setdefault(tuple(begun), set()).add(last)
        self.lengths = sorted({len(begun) for begun in self.after})

    def forbidden(self, row: TokenSequence) -> set[int]:
        """Return the last tokens of phrases whose other tokens are the end of the row."""
        ends = (self.after.get(tuple(row.ids[-length:]), ()) for length in self.lengths)
        return {token for some in ends for token in some}


class MinLength(Forbid):
    """Forbid end tokens until a row has this number of tokens, including the prompt."""

    def __init__(self, tokens: int, eos_ids: Collection[int]):
        self.tokens, self.eos_ids = tokens, eos_ids

    def forbidden(self, row: TokenSequence) -> Collection[int]:
        """Return the end tokens if the row is too short."""
        return self.eos_ids if len(row.ids) < self.tokens else ()


class RepetitionPenalty:
    """Divide positive logits of tokens that occur in the row, and multiply negative ones."""

    def __init__(self, penalty: float | int):
        self.penalty = penalty

    def __call__(self, logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence]) -> Float[Tensor, "B V"]:
        places = self.seen(rows, logits.device)
        found = logits[places]
        return logits.index_put(places, torch.where(found > 0, found / self.penalty, found * self.penalty))

    def seen(self, rows: Sequence[TokenSequence], device: torch.device) -> Places:
        """Return the distinct tokens of each row."""
        return places_of((set(row.ids) for row in rows), device)


class ForcedToken:
    """Force the `at`-th new token, with a logit of 0."""

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
    """Return log-probabilities renormalized over the remaining tokens."""
    return logits.log_softmax(-1)
