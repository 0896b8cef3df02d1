"""Texts as token ids, as a classifier reads them: at most `max_length` tokens, and what that leaves out is counted."""

from collections.abc import Sequence
from typing import NamedTuple

from lingon.data.tokenizers import Tokenizer


class Cut(NamedTuple):
    """What `max_length` leaves out: texts that are longer of all texts, and tokens beyond it of all tokens."""

    texts: int
    of_texts: int
    tokens: int
    of_tokens: int


def encode(tokenizer: Tokenizer, texts: Sequence[str], max_length: int | None) -> tuple[list[list[int]], Cut]:
    """Return the token ids of each text, and what was left out. A long text is cut, not its special tokens."""
    ids = tokenizer.encode_batch(list(texts))
    if max_length is None:
        return ids, Cut(0, len(ids), 0, sum(map(len, ids)))
    over = [len(row) - max_length for row in ids if len(row) > max_length]
    return tokenizer.truncate(texts, ids, max_length), Cut(len(over), len(ids), sum(over), sum(map(len, ids)))
