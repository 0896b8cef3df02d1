"""The terms of a text, which lexical search counts and highlighted passages mark."""

import re
from collections.abc import Iterator
from itertools import chain

from lingon.data.tokenizers.scripts import EAST, SOUTH_EAST

WORD = re.compile(r"\w+")
# Scripts without spaces between words: a run of characters is split into overlapping bigrams.
_RUN = re.compile(f"([{''.join(chain(EAST.values(), SOUTH_EAST.values()))}]+)")


def terms_of(text: str) -> list[str]:
    """Return the words of a text in lower case, without stemming and without stop words.

    A word consists of letters, digits and underscores of any script. In Chinese, Japanese, Thai and other scripts
    without spaces between words, the terms are character bigrams, as in Lucene's CJKBigramFilter.

    >>> terms_of("BM25, 東京都")
    ['bm25', '東京', '京都']
    """
    if text.isascii():
        return WORD.findall(text.lower())
    return [term for term, _, _ in term_spans(text)]


def is_pair(term: str) -> bool:
    """Return whether a term is a character bigram of a script without spaces, which is as specific as a word."""
    return len(term) > 1 and _RUN.fullmatch(term) is not None


def term_spans(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each term of a text with its start and end."""
    for word in WORD.finditer(text):
        start = word.start()
        for part in _RUN.split(word[0]) if not word[0].isascii() else [word[0]]:
            if part and _RUN.fullmatch(part) and len(part) > 1:
                yield from ((part[i : i + 2], start + i, start + i + 2) for i in range(len(part) - 1))
            elif part:
                yield part.lower(), start, start + len(part)
            start += len(part)
