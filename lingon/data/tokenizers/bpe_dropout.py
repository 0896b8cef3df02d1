"""BPE dropout: merges are skipped at random, so that words are split differently each time (Provilkov et al. 2020).

The `tokenizers` library has it as well, but its random numbers cannot be seeded, so that training with it could be
neither reproduced nor resumed.
"""

import json
from random import Random
from typing import NamedTuple

from lingon.core.errors import UserError
from lingon.data.tokenizers.tokenizer import Tokenizer

Pair = tuple[str, str]


class _Word(NamedTuple):
    """A word: its characters, its ids without dropout, and the number of merges that lead to them."""

    symbols: tuple[str, ...]
    ids: list[int]
    merges: int


class BPEDropout:
    """Encodes texts by a BPE tokenizer in which each possible merge is skipped with probability `dropout`, every time.

    Raises UserError for a tokenizer of another kind, and for a dropout that is not a fraction.
    """

    def __init__(self, tokenizer: Tokenizer, dropout: float):
        content = json.loads(tokenizer.library.to_str())
        model = content["model"]
        if model["type"] != "BPE" or model.get("continuing_subword_prefix") or model.get("end_of_word_suffix"):
            raise UserError(f"BPE dropout leaves out merges of a BPE tokenizer; this one is of type {model['type']}")
        if not 0 <= dropout <= 1:
            raise UserError(f"dropout is {dropout}, expected a fraction from 0 to 1")
        self.tokenizer, self.dropout = tokenizer, dropout
        merges = [pair.split(" ", 1) if isinstance(pair, str) else pair for pair in model["merges"]]
        self._ranks: dict[Pair, int] = {(left, right): rank for rank, (left, right) in enumerate(merges)}
        self._ids: dict[str, int] = model["vocab"]
        self._words: dict[str, _Word] = {}
        self._bare = tokenizer.without_special_tokens()
        whole, inside = tokenizer.encode("a"), self._bare.encode("a")
        at = next(i for i in range(len(whole)) if whole[i : i + len(inside)] == inside)
        self._before, self._after = whole[:at], whole[at + len(inside) :]

    def encode(self, text: str, rng: Random) -> list[int]:
        """Return the ids of a text, with the special tokens of the tokenizer. rng: decides which merges are skipped."""
        library = self.tokenizer.library
        if library.normalizer is not None:
            text = library.normalizer.normalize_str(text)
        pieces = library.pre_tokenizer.pre_tokenize_str(text) if library.pre_tokenizer else [(text, (0, len(text)))]
        ids = [i for piece, _ in pieces for i in self._piece(piece, rng)]
        return [*self._before, *ids, *self._after]

    def _piece(self, piece: str, rng: Random) -> list[int]:
        word = self._words.get(piece)
        if word is None:
            word = self._words[piece] = self._known(piece)
        kept = 1 - self.dropout
        # Most often nothing is skipped; else the first skipped merge is drawn, and later ones are drawn independently.
        if not word.merges or rng.random() < kept**word.merges:
            return word.ids
        first = 0
        while rng.random() < kept:
            first = (first + 1) % word.merges
        return [self._ids[symbol] for symbol in self._cut(list(word.symbols), first, rng)]

    def _known(self, piece: str) -> _Word:
        symbols, merges = list(piece), 0
        if lacking := [symbol for symbol in symbols if symbol not in self._ids]:
            raise UserError(f"the tokenizer has no token {lacking[0]!r}; BPE dropout needs one for every character")
        while best := self._candidates(symbols):
            _merge(symbols, best[0][1])
            merges += 1
        return _Word(tuple(piece), [self._ids[symbol] for symbol in symbols], merges)

    def _cut(self, symbols: list[str], first: int, rng: Random) -> list[str]:
        """Return the pieces of a word in which the best merge of step `first` is the first one that is skipped."""
        step = 0
        while found := self._candidates(symbols):
            if step < first:
                chosen: tuple[int, int] | None = found[0]
            else:
                tried = found[1:] if step == first else found
                chosen = next((one for one in tried if rng.random() >= self.dropout), None)
            if chosen is None:
                break
            _merge(symbols, chosen[1])
            step += 1
        return symbols

    def _candidates(self, symbols: list[str]) -> list[tuple[int, int]]:
        """Return (rank, position) of all possible merges, best first."""
        ranks = self._ranks
        found = [
            (rank, at)
            for at in range(len(symbols) - 1)
            if (rank := ranks.get((symbols[at], symbols[at + 1]))) is not None
        ]
        return sorted(found)


def _merge(symbols: list[str], at: int) -> None:
    symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
