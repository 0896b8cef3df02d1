"""Grapheme clusters, characters as a reader sees them: a letter with its combining marks."""

import unicodedata
from collections.abc import Iterable


def widen_to_graphemes(text: str, offsets: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Widen offsets [start, end) so that none begins or ends between a letter and its marks (decomposed text, NFD).

    >>> widen_to_graphemes("cafe\u0301s", [(0, 4), (4, 5), (5, 6)])
    [(0, 5), (3, 5), (5, 6)]
    """
    if text.isascii() or not any(map(_is_mark, text)):
        return list(offsets)
    starts = list(range(len(text) + 1))
    for i in range(1, len(text)):
        if _is_mark(text[i]) and not text[i - 1].isspace():
            starts[i] = starts[i - 1]
    ends = list(range(len(text) + 1))
    for i in range(len(text) - 1, 0, -1):
        if starts[i] < i:
            ends[i] = ends[i + 1]
    return [(starts[a], ends[b]) if a < b else (a, b) for a, b in offsets]


def _is_mark(character: str) -> bool:
    return character > "\u02ff" and unicodedata.category(character)[0] == "M"
