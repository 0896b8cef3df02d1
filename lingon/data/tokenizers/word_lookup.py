"""Encodes ASCII text as ids of words without the library: words are split by rules and looked up, much faster."""

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import chain, islice

import tokenizers

from lingon.data.id_rows import IdRow, concatenated
from lingon.data.tokenizers.ascii_words import ascii_runs, split_words, word_lowercase

MANY = 1 << 20  # characters from which the compiled scanner is worth its loading time


class WordLookup:
    """Looks up the words of ASCII texts. library: a word tokenizer; lowercase: whether it lowercases them."""

    def __init__(self, library: tokenizers.Tokenizer, lowercase: bool):
        self.library, self.lowercase = library, lowercase

    @classmethod
    def of(cls, library: tokenizers.Tokenizer) -> "WordLookup | None":
        """Return the look-up for a word tokenizer; None for any other."""
        lowercase = word_lowercase(library)
        return None if lowercase is None else cls(library, bool(lowercase))

    def ids(self, text: str) -> list[int]:
        """Return the ids of the words of an ASCII text."""
        ids, unknown = self._vocab
        return [ids.get(word, unknown) for word in split_words(text, self.lowercase)]

    def rows(self, texts: list[str], others: Callable[[list[str]], list[list[int]]]) -> list[IdRow]:
        """Return the ids of texts. others: encodes the runs in them that are not ASCII."""
        pieces = [ascii_runs(text) for text in texts]
        flat = [*chain.from_iterable(pieces)]
        plain, foreign = [run for run in flat if run.isascii()], [run for run in flat if not run.isascii()]
        ours, theirs = iter(self._ascii_rows(plain)), iter(others(foreign))
        rows = (next(ours) if run.isascii() else next(theirs) for run in flat)
        return [next(rows) if len(p) == 1 else concatenated([*islice(rows, len(p))]) for p in pieces]

    def _ascii_rows(self, texts: list[str]) -> Sequence[IdRow]:
        if sum(map(len, texts)) < MANY:
            return [self.ids(text) for text in texts]
        from lingon.data.tokenizers.word_scanner import encode_ascii

        return encode_ascii(texts, self._table, self._vocab[1], self.lowercase)

    @cached_property
    def _table(self):
        from lingon.data.tokenizers.word_scanner import word_table

        return word_table(self._vocab[0])

    @cached_property
    def _vocab(self) -> tuple[dict[str, int], int]:
        ids = self.library.get_vocab(with_added_tokens=False)
        return ids, ids[self.library.model.unk_token]
