"""Word vectors as a mapping from word to vector, with a stated rule for words that are not among them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, suggest
from lingon.word_vectors.files import Loaded, Subwords, load_vector_file, save_vector_file

NEAR = 20_000  # words among which a misspelt one is searched for
UnknownWordRule = Callable[["WordVectors", str], np.ndarray | None]


def zero_vector(vectors: "WordVectors", word: str) -> np.ndarray:
    """Return the rule by which a word that is not there has a vector of zeros."""
    return np.zeros(vectors.width, np.float32)


def subword_vector(vectors: "WordVectors", word: str) -> np.ndarray | None:
    """Return the rule of fastText: the mean of the vectors of the word's parts; a word without parts is missing."""
    return None if vectors.parts is None else vectors.parts.vector(word)


def unknown_word(name: str) -> UnknownWordRule:
    """Return the rule by which a word that is not there has the vector of another, such as <unk>."""

    def rule(vectors: "WordVectors", word: str) -> np.ndarray | None:
        row = vectors.row(name)
        return None if row is None else np.asarray(vectors.table[row])

    return rule


class WordVectors(Mapping[str, np.ndarray]):
    """V words and their vectors: float32 [V, D], maybe a map of a file that is never written to.

    missing: the rule for words that are not there: `subword_vector`, `zero_vector`, `unknown_word("<unk>")` or a
    function of your own; None, or a rule that gives None, means that asking for such a word is a KeyError. parts:
    vectors of n-grams, which files of fastText have. `word in vectors`, `len` and iteration are about the V words
    alone, whatever the rule.

    >>> vectors = WordVectors(["sun", "moon"], np.eye(2, dtype=np.float32), missing=zero_vector)
    >>> len(vectors), vectors["moon"].tolist(), vectors["mars"].tolist(), "mars" in vectors
    (2, [0.0, 1.0], [0.0, 0.0], False)
    """

    def __init__(
        self,
        words: Sequence[str],
        table: np.ndarray,
        missing: UnknownWordRule | None = None,
        parts: Subwords | None = None,
    ):
        if table.ndim != 2 or len(words) != len(table):
            raise UserError(
                f"{counted(len(words), 'word')} for a table of {list(table.shape)}; expected [{len(words):,}, D]"
            )
        self.words = words
        self.table = table if table.dtype == np.float32 else table.astype(np.float32)
        self.missing, self.parts = missing, parts

    @classmethod
    def open(
        cls, source: str | Path, missing: UnknownWordRule | None = None, on_bad_line: str = "stop"
    ) -> "WordVectors":
        """Load vectors of the catalogue by name, or a file of any known format (see `lingon.word_vectors.files`).

        Without a rule, files that have vectors of n-grams get `subword_vector`. on_bad_line: stop or skip, for
        text files.
        """
        path = Path(source)
        if path.exists() or path.suffix or len(path.parts) > 1:
            found = load_vector_file(path, on_bad_line)
        else:
            from lingon.data.corpora import load_vectors

            found = Loaded(*load_vectors(str(source)))
        rule = subword_vector if missing is None and found.subwords is not None else missing
        return cls(found.words, found.table, rule, found.subwords)

    def save(self, path: str | Path) -> None:
        """Write a file; its ending says the format (see `lingon.word_vectors.files.save`)."""
        save_vector_file(Path(path), list(self.words), self.table, self.parts)

    @property
    def width(self) -> int:
        return self.table.shape[1]

    @cached_property
    def _rows(self) -> dict[str, int]:
        rows = {word: i for i, word in enumerate(self.words)}
        if len(rows) < len(self.words):
            raise UserError(
                f"{counted(len(self.words) - len(rows), 'word comes', 'words come')} twice; each word has one vector"
            )
        return rows

    def row(self, word: str) -> int | None:
        """Return the row of a word in the table; None when it is not there."""
        return self._rows.get(word)

    @cached_property
    def unit(self) -> np.ndarray:
        """Return the table with vectors of length 1; zeros stay zeros. Raises DataError for NaN and infinity."""
        found = np.empty(self.table.shape, np.float32)
        for begin in range(0, len(found), 1 << 15):
            rows = np.asarray(self.table[begin : begin + (1 << 15)])
            norms = np.sqrt(np.einsum("vd,vd->v", rows, rows, dtype=np.float64)).astype(np.float32)
            if not np.isfinite(norms).all():
                bad = begin + int(np.isfinite(norms).argmin())
                raise DataError(f"the vector of {self.words[bad]!r} holds NaN, infinite or immense numbers")
            norms[norms == 0] = 1
            np.divide(rows, norms[:, None], out=found[begin : begin + (1 << 15)])
        return found

    def __getitem__(self, word: str) -> np.ndarray:
        row = self.row(word)
        found = self.table[row] if row is not None else self._by_rule(word)
        if found is None:
            raise KeyError(self.lacks(word))
        return np.asarray(found)

    def _by_rule(self, word: str) -> np.ndarray | None:
        return self.missing(self, word) if self.missing is not None and isinstance(word, str) else None

    def lacks(self, word: str) -> str:
        """Return what to say about a word that has no vector."""
        near = suggest(word, [str(w) for _, w in zip(range(NEAR), self.words, strict=False)])
        return f"{word!r} is not among the {counted(len(self), 'word')}" + (
            f"; {near}" if near.startswith("did") else ""
        )

    def of(self, words: Iterable[str]) -> np.ndarray:
        """Return the vectors of some words, [n, D]. Raises UserError for words that have none by the rule."""
        words = list(words)
        found: list[np.ndarray] = []
        for word in words:
            vector = self.get(word)
            if vector is None:
                raise UserError(self.lacks(word))
            found.append(vector)
        return np.stack(found) if found else np.zeros((0, self.width), np.float32)

    def load_pretrained(self, embedding: nn.Module, vocab: Sequence[str], freeze: bool = False) -> float:
        """Copy the vectors of a vocabulary into any module with a `weight` of [V, D], such as nn.Embedding.

        vocab: the token of each row. Rows of tokens that have no vector, even by the rule, keep what they hold, and so
        does the row of padding (`padding_idx`). freeze: the weight is not trained any more.
        Returns the coverage: the share of the vocabulary that got a vector.
        """
        weight = getattr(embedding, "weight", None)
        if not isinstance(weight, torch.Tensor) or tuple(weight.shape) != (len(vocab), self.width):
            shape = list(weight.shape) if isinstance(weight, torch.Tensor) else type(embedding).__name__
            raise UserError(f"an embedding of {shape}; expected [{len(vocab):,}, {self.width}] for this vocabulary")
        padding = getattr(embedding, "padding_idx", None)
        pairs = [(i, self.get(token)) for i, token in enumerate(vocab) if i != padding]
        pairs = [(i, vector) for i, vector in pairs if vector is not None]
        if pairs:
            rows, found = zip(*pairs, strict=True)
            with torch.no_grad():
                weight[list(rows)] = torch.from_numpy(np.stack(found)).to(weight)
        weight.requires_grad_(not freeze)
        return len(pairs) / max(1, len(vocab))

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word in self._rows

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WordVectors):
            return NotImplemented
        return list(self.words) == list(other.words) and np.array_equal(self.table, other.table)

    __hash__ = None  # type: ignore[assignment]  # compared by its content, which can change

    def __repr__(self) -> str:
        rule = getattr(self.missing, "__name__", self.missing)
        return f"WordVectors({counted(len(self), 'word')}, width {self.width}, missing={rule})"
