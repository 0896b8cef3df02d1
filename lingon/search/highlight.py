"""The part of a passage that best matches a query, with the words of the query marked."""

from collections.abc import Collection
from typing import NamedTuple

from lingon.search.passages import TOKEN
from lingon.search.terms import term_spans

WIDTH = 320  # characters that are shown of a passage
MORE = "..."


class Piece(NamedTuple):
    """A piece of text. marked: it is a word of the query."""

    text: str
    marked: bool


def highlight(text: str, terms: Collection[str], width: int = WIDTH) -> list[Piece]:
    """Return the extract of about `width` characters with the most distinct terms, in pieces.

    "..." marks each end where text was cut off; line ends become spaces.

    >>> [p.text for p in highlight("A cat sat. The dog ran.", ["dog"]) if p.marked]
    ['dog']
    """
    wanted = set(terms)
    spans = [(start, end, term) for term, start, end in term_spans(text) if term in wanted]
    begin, end = _window(text, spans, width)
    pieces, at = [Piece(f"{MORE} ", False)] if begin else [], begin
    for start, stop, _ in spans:
        if start >= at and stop <= end:
            pieces += [Piece(text[at:start], False), Piece(text[start:stop], True)]
            at = stop
    pieces += [Piece(text[at:end], False), Piece(f" {MORE}" if end < len(text) else "", False)]
    return [Piece(_folded(piece.text), piece.marked) for piece in pieces if piece.text]


def _window(text: str, spans: list[tuple[int, int, str]], width: int) -> tuple[int, int]:
    """Return where the best extract starts and ends, at word boundaries."""
    if len(text) <= width:
        return 0, len(text)
    best, middle, first = 0, 0, 0
    held: dict[str, int] = {}
    for _, end, term in spans:
        held[term] = held.get(term, 0) + 1
        while end - spans[first][0] > width:
            held[spans[first][2]] -= 1
            first += 1
        if (different := sum(count > 0 for count in held.values())) > best:
            best, middle = different, (spans[first][0] + end) // 2
    low = max(0, min(middle - width // 2, len(text) - width))
    ends = [found.span() for found in TOKEN.finditer(text, low, low + width)]
    if not ends or len(ends) < 3:
        return low, low + width
    # The first and the last word may be cut in two.
    return (0 if low == 0 else ends[1][0]), (len(text) if low + width >= len(text) else ends[-2][1])


def _folded(text: str) -> str:
    inner = " ".join(text.split())
    left, right = (" " if text[:1].isspace() else ""), (" " if text[-1:].isspace() else "")
    return f"{left}{inner}{right}" if inner else " "
