"""Texts cut into overlapping passages of whole sentences, up to a number of tokens."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from lingon.core.errors import UserError
from lingon.data.tokenizers.scripts import EAST, SOUTH_EAST

TOKENS, OVERLAP = 160, 32
_EACH = "".join(chain(EAST.values(), SOUTH_EAST.values()))
# A word, a punctuation mark, or a character of a script without spaces: about 1.3 subword tokens each.
TOKEN = re.compile(rf"[{_EACH}]|(?:(?![{_EACH}])\w)+|[^\w\s]")
# A sentence ends at its punctuation mark and closing quotes or brackets, before a space; a paragraph at an empty line.
END = re.compile(r"[.!?…][\"'”’)\]]*(?=\s)|[。！？]|\n\s*\n")


class Span(NamedTuple):
    """A piece of a text: characters [start, end), and its number of tokens."""

    start: int
    end: int
    tokens: int


def check_sizes(tokens: int, overlap: int) -> None:
    """Raise UserError for invalid sizes of passages."""
    if not 8 <= tokens <= 100_000:
        raise UserError(f"--passage-tokens {tokens}; expected 8 to 100,000")
    if not 0 <= overlap <= tokens // 2:
        raise UserError(f"--passage-overlap {overlap}; expected 0 to half of --passage-tokens, {tokens // 2}")


def cut(text: str, tokens: int = TOKENS, overlap: int = OVERLAP) -> Iterator[Span]:
    """Yield the passages of a text, each of at most `tokens` tokens.

    A passage consists of whole sentences; a longer sentence is cut between two tokens. overlap: the last sentences of a
    passage, as far as they have at most `overlap` tokens together, are repeated at the start of the next one.
    """
    held: list[Span] = []
    count = new = 0
    for sentence in _sentences(text, tokens):
        if held and count + sentence.tokens > tokens:
            yield Span(held[0].start, held[-1].end, count)
            held = _tail(held, min(overlap, tokens - sentence.tokens))
            count, new = sum(span.tokens for span in held), 0
        held.append(sentence)
        count, new = count + sentence.tokens, new + 1
    if new:
        yield Span(held[0].start, held[-1].end, count)


def _tail(spans: list[Span], most: int) -> list[Span]:
    """Return the last spans that have at most `most` tokens together; never all of them."""
    kept = 0
    while kept + 1 < len(spans) and spans[-kept - 1].tokens <= most:
        kept += 1
        most -= spans[-kept].tokens
    return spans[len(spans) - kept :]


def _sentences(text: str, most: int) -> Iterator[Span]:
    """Yield sentences without surrounding white space; those of more than `most` tokens in pieces."""
    start = 0
    for end in chain((found.end() for found in END.finditer(text)), [len(text)]):
        places = [(found.start() + start, found.end() + start) for found in TOKEN.finditer(text[start:end])]
        for i in range(0, len(places), most):
            piece = places[i : i + most]
            yield Span(piece[0][0], piece[-1][1], len(piece))
        start = end
