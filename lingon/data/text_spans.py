"""Converts character spans of a text to tags of its words."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lingon.core.errors import UserError
from lingon.data.tag_schemes import Span, tags_of
from lingon.data.words_of_text import TextWord


class CharacterSpan(NamedTuple):
    """Span of a text: its characters start:end, and its type."""

    start: int
    end: int
    type: str


def spans_of_words(text: str, words: Sequence[TextWord], spans: Iterable[CharacterSpan]) -> list[Span]:
    """Convert character spans to spans of words; white space at their ends is ignored.

    Raises UserError for spans that are outside the text, contain no word, overlap, or cut a word.
    """
    starts, ends = [word.start for word in words], [word.end for word in words]
    found: list[Span] = []
    before: CharacterSpan | None = None
    for span in sorted(set(spans)):
        start, end = _trimmed(text, span)
        if before is not None and start < before.end:
            raise UserError(f"{said(text, before)} and {said(text, span)} overlap; a word has one tag")
        first, last = bisect_right(ends, start), bisect_left(starts, end)
        if first >= last or starts[first] != start or ends[last - 1] != end:
            cut = next((w for w in words[first:last] if w.start < start or w.end > end), None)
            inside = "" if cut is None else f" cuts the word {cut.text[:40]!r} ({cut.start}:{cut.end})"
            raise UserError(
                f"{said(text, span)}{inside or ' contains no word'}; a span must begin and end at word boundaries"
            )
        found.append(Span(first, last, span.type))
        before = CharacterSpan(start, end, span.type)
    return found


def tags_of_text(text: str, words: Sequence[TextWord], spans: Iterable[CharacterSpan]) -> tuple[str, ...]:
    """Convert character spans to tags of words (IOB2). Raises as `spans_of_words`."""
    return tags_of(spans_of_words(text, words, spans), len(words))


def said(text: str, span: CharacterSpan) -> str:
    """Return a description of a span for messages."""
    return f"span {span.start}:{span.end} {text[span.start : span.end][:40]!r} ({span.type[:40]})"


def _trimmed(text: str, span: CharacterSpan) -> tuple[int, int]:
    start, end, _ = span
    if not 0 <= start < end <= len(text):
        raise UserError(f"span {start}:{end} ({span.type[:40]}) in a text of {len(text):,} characters")
    inside = text[start:end]
    if not inside.strip():
        raise UserError(f"{said(text, span)} contains no word; a span must begin and end at word boundaries")
    return start + len(inside) - len(inside.lstrip()), end - (len(inside) - len(inside.rstrip()))
