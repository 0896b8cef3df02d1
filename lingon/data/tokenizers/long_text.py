"""Cuts a long text into pieces that can be encoded separately without changing the ids."""

from collections.abc import Iterator

import tokenizers
from tokenizers.pre_tokenizers import ByteLevel, Split

PIECE = 1 << 14  # characters encoded in one call: beyond, the library's time and memory grow faster than the text


def can_be_cut(library: tokenizers.Tokenizer) -> bool:
    """Return whether a piece of a text has the same ids alone as inside the text."""
    return library.post_processor is None and isinstance(library.pre_tokenizer, Split | ByteLevel)


def text_pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield (start, piece): a long text is cut before single spaces, as by every tokenizer, or else after PIECE.

    >>> [(start, len(piece)) for start, piece in text_pieces("ab " * 6000)]
    [(0, 16382), (16382, 1618)]
    """
    start = 0
    while len(text) - start > PIECE:
        end = start + PIECE
        while (end := text.rfind(" ", start + 1, end)) > 0 and (text[end - 1].isspace() or text[end + 1].isspace()):
            pass
        end = end if end > 0 else start + PIECE
        yield start, text[start:end]
        start = end
    yield start, text[start:]
