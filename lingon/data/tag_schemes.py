"""Tag schemes of spans (IOB1, IOB2, BIOES and variants): conversion between tags and spans, and detection of schemes.

IOB2 is also called BIO: B- at a span's first word, I- at the others. IOB1 has B- only if a span directly follows
another one of its type (Ramshaw and Marcus 1995). BIOES, also BILOU or BMEWO, marks the last word (E, L) and spans of
one word (S, U, W) too. IO has no prefix: a run of equal tags is a span.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Literal, NamedTuple

from lingon.core.counted import counted
from lingon.core.errors import UserError, unknown

Scheme = Literal["iob1", "iob2", "bioes", "io", "none"]
SCHEMES: tuple[Scheme, ...] = ("iob1", "iob2", "bioes", "io", "none")
ALSO_CALLED: dict[str, Scheme] = {"bio": "iob2", "bilou": "bioes", "iobes": "bioes", "bmewo": "bioes", "bmes": "bioes"}
PREFIXES = {"L": "E", "U": "S", "W": "S", "M": "I"}  # other letters with the same meaning
OUTSIDE = "O"
TYPED = re.compile(r"[BIESLUWM]-(?=.)", re.DOTALL)
UNTYPED = {"B", "I"}  # spans of a single, unnamed type


class Span(NamedTuple):
    """Span of a sentence: its first word, the word after its last, and its type."""

    start: int
    end: int
    type: str


class Repair(NamedTuple):
    """A tag that the scheme does not allow at its position, and how the CoNLL rules interpret it."""

    position: int
    tag: str
    taken_for: str


def scheme_named(name: str) -> Scheme:
    """Return the scheme with a name. Raises UserError for an unknown name."""
    found = name.lower()
    for scheme in SCHEMES:
        if ALSO_CALLED.get(found, found) == scheme:
            return scheme
    raise unknown("tag scheme", name, (*SCHEMES, *ALSO_CALLED))


def are_spans(tags: Iterable[str]) -> bool:
    """Return whether tags are of spans: all are O or a prefix with a type, such as B-person.

    >>> are_spans(["O", "B-person"]), are_spans(["NOUN", "VERB"]), are_spans(["O", "B", "I"])
    (True, False, True)
    """
    marks = set(tags) - {OUTSIDE}
    return marks <= UNTYPED or all(map(TYPED.match, marks))


@lru_cache(1 << 16)  # tags repeat
def split_tag(tag: str) -> tuple[str, str]:
    """Split a tag of a span into its prefix (B, I, E, S or O) and its type.

    >>> split_tag("U-creative-work"), split_tag("O"), split_tag("B")
    (('S', 'creative-work'), ('O', ''), ('B', ''))
    """
    if tag in UNTYPED or tag == OUTSIDE:
        return tag, ""
    if not TYPED.match(tag):
        raise UserError(f"{tag!r} is not a span tag; expected O, or B- or I- and a type, such as B-person")
    return PREFIXES.get(tag[0], tag[0]), tag[2:]


def spans_of(tags: Sequence[str]) -> list[Span]:
    """Return the spans of a sentence's tags, of any scheme but IO, by the rules of conlleval (Tjong Kim Sang 2002).

    A span begins at B-, and at an I- or E- after O, after an end or after another type; it ends before the next begins,
    before O and after an E-. S- is a span of its own. So every sequence of tags has spans, even if no scheme allows it.

    >>> spans_of(["B-a", "I-a", "I-b", "O", "I-a"])
    [Span(start=0, end=2, type='a'), Span(start=2, end=3, type='b'), Span(start=4, end=5, type='a')]
    """
    spans: list[Span] = []
    start: int | None = None
    before = ""
    for i, (place, kind) in enumerate(map(split_tag, tags)):
        if start is not None and (place in "OBS" or kind != before):
            spans.append(Span(start, i, before))
            start = None
        if place != "O" and start is None:
            start = i
        if start is not None and place in "ES":
            spans.append(Span(start, i + 1, kind))
            start = None
        before = kind
    return spans if start is None else [*spans, Span(start, len(tags), before)]


def runs_of(tags: Sequence[str]) -> list[Span]:
    """Return the spans of tags without prefixes (IO): each longest run of one tag that is not O."""
    spans, start = [], 0
    for tag, run in groupby(tags):
        end = start + len(list(run))
        spans += [Span(start, end, tag)] if tag != OUTSIDE else []
        start = end
    return spans


def tags_of(spans: Iterable[Span], length: int, scheme: Scheme = "iob2") -> tuple[str, ...]:
    """Return the tags of a sentence of `length` words with these spans.

    Raises UserError for spans that overlap or lie outside the sentence.

    >>> tags_of([Span(1, 3, "a"), Span(3, 4, "a")], 5, "bioes")
    ('O', 'B-a', 'E-a', 'S-a', 'O')
    """
    tags, last = [OUTSIDE] * length, Span(0, 0, "")
    for span in sorted(spans):
        if not 0 <= span.start < span.end <= length:
            raise UserError(f"span {span.start}:{span.end} ({span.type}) in a sentence of {counted(length, 'word')}")
        if span.start < last.end:
            raise UserError(
                f"spans {last.start}:{last.end} ({last.type}) and {span.start}:{span.end} ({span.type}) overlap; "
                "a word has one tag"
            )
        follows = span.start == last.end and span.type == last.type and last.end > 0
        tags[span.start : span.end] = _marks(span, scheme, follows)
        last = span
    return tuple(tags)


def _marks(span: Span, scheme: Scheme, follows: bool) -> list[str]:
    """Return the tags of one span. follows: it directly follows another one of its type."""
    size = span.end - span.start
    if scheme == "io":
        return [span.type] * size
    places = ["I"] * size
    if scheme != "iob1" or follows:
        places[0] = "B"
    if scheme == "bioes":
        places[-1] = "E" if size > 1 else "S"
    return [f"{place}-{span.type}" if span.type else place for place in places]


def scheme_of(sentences: Iterable[Sequence[str]]) -> Scheme:
    """Detect the scheme of the tags of sentences: "none" if they are not of spans, such as parts of speech.

    With only B- and I- it is IOB2, unless a span begins with I- and every B- is one that IOB1 would also have, directly
    after a span of the same type. IO is never detected, as it looks like tags of words.

    >>> scheme_of([["I-a", "B-a", "O"]]), scheme_of([["B-a", "I-a"]]), scheme_of([["S-a"]]), scheme_of([["NOUN"]])
    ('iob1', 'iob2', 'bioes', 'none')
    """
    sequences = list(sentences)
    if not are_spans({tag for tags in sequences for tag in tags}):
        return "none"
    begun = needless = False  # an I- that begins a span; a B- where IOB1 would have I-
    for tags in sequences:
        before = (OUTSIDE, "")
        for place, kind in map(split_tag, tags):
            if place in "ES":
                return "bioes"
            apart = before[0] == OUTSIDE or before[1] != kind
            begun |= place == "I" and apart
            needless |= place == "B" and apart
            before = (place, kind)
    return "iob1" if begun and not needless else "iob2"


def to_iob2(tags: Sequence[str], scheme: Scheme) -> tuple[tuple[str, ...], list[Repair]]:
    """Return a sentence's tags in IOB2, and the repairs: tags that the scheme does not allow at their positions.

    Repairs follow the rules of conlleval (`spans_of`). scheme: of the given tags.
    Raises UserError for a tag that the scheme does not have.

    >>> to_iob2(["O", "I-a", "I-a"], "iob2")
    (('O', 'B-a', 'I-a'), [Repair(position=1, tag='I-a', taken_for='B-a')])
    """
    if scheme == "none":
        return tuple(tags), []
    for tag in tags if scheme in ("iob1", "iob2") else ():
        if split_tag(tag)[0] in "ES":
            raise UserError(f"tag {tag!r} is not of {scheme}; expected O, or B- or I- and a type; is the scheme bioes?")
    spans = (runs_of if scheme == "io" else spans_of)(tags)
    right = tags_of(spans, len(tags), scheme)
    pairs = enumerate(zip(tags, right, strict=True))
    wrong = [Repair(i, tag, meant) for i, (tag, meant) in pairs if _place(tag, scheme) != _place(meant, scheme)]
    return tags_of(spans, len(tags)), wrong


def _place(tag: str, scheme: Scheme) -> tuple[str, str]:
    return ("I", tag) if scheme == "io" else split_tag(tag)
