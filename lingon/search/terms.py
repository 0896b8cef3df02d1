"""The terms of a text: what lexical search counts and what a highlighted passage marks."""

import re
from collections.abc import Iterator
from itertools import chain

from lingon.data.tokenizers.scripts import EAST, SOUTH_EAST

WORD = re.compile(r"\w+")
# Scripts without spaces between words: a run of them is taken as its overlapping pairs of characters.
_RUN = re.compile(f"([{''.join(chain(EAST.values(), SOUTH_EAST.values()))}]+)")


def terms_of(text: str) -> list[str]:
    """Return the words of a text in lower case; nothing is stemmed and no word is left out as too common.

    A word is letters, digits and underscores of any script. Of Chinese, Japanese, Thai and their like, which put no
    space between words, the terms are pairs of characters, as in Lucene's CJKBigramFilter.

    >>> terms_of("BM25, 東京都")
    ['bm25', '東京', '京都']
    """
    if text.isascii():
        return WORD.findall(text.lower())
    return [term for term, _, _ in term_spans(text)]


def is_pair(term: str) -> bool:
    """Return whether a term is of a script that puts no space between words: two characters say as much as a word."""
    return len(term) > 1 and _RUN.fullmatch(term) is not None


def term_spans(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each term of a text with the places where it begins and ends."""
    for word in WORD.finditer(text):
        start = word.start()
        for part in _RUN.split(word[0]) if not word[0].isascii() else [word[0]]:
            if part and _RUN.fullmatch(part) and len(part) > 1:
                yield from ((part[i : i + 2], start + i, start + i + 2) for i in range(len(part) - 1))
            elif part:
                yield part.lower(), start, start + len(part)
            start += len(part)
