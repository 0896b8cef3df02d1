"""The UTF-8 bytes of ranges of characters, as small deterministic graphs."""

from functools import lru_cache
from itertools import pairwise

from lingon.decoding.regex import Ranges

SURROGATES = (0xD800, 0xDFFF)  # not allowed in UTF-8
Spans = tuple[tuple[int, int], ...]  # a range for each byte of a character


def spans_of(low: int, high: int) -> list[Spans]:
    """Return the UTF-8 bytes of a range of code points, divided into parts that have one range per byte.

    >>> spans_of(0x7E, 0x81)
    [((126, 127),), ((194, 194), (128, 129))]
    """
    for last in (0x7F, 0x7FF, 0xFFFF):  # the largest code points of one, two, three bytes
        if low <= last < high:
            return spans_of(low, last) + spans_of(last + 1, high)
    for shift in (6, 12, 18):  # where low and high differ above their last bits, all of these must be free
        mask = (1 << shift) - 1
        if low >> shift != high >> shift:
            if low & mask:
                return spans_of(low, low | mask) + spans_of((low | mask) + 1, high)
            if high & mask != mask:
                return spans_of(low, (high & ~mask) - 1) + spans_of(high & ~mask, high)
    return [tuple(zip(chr(low).encode(), chr(high).encode(), strict=True))]


def _cut_out(ranges: Ranges) -> list[tuple[int, int]]:
    """Return the ranges without the surrogates."""
    low, high = SURROGATES
    parts = [piece for a, b in ranges for piece in ((a, min(b, low - 1)), (max(a, high + 1), b))]
    return [(a, b) for a, b in parts if a <= b]


@lru_cache(maxsize=1000)
def byte_graph(ranges: Ranges) -> tuple[int, tuple]:
    """Return a deterministic graph of the bytes of characters: the first node, and ((low, high, next), ...) per node.

    Node 0 is the end. Nodes with the same remaining bytes are merged: a word character has a few hundred nodes, not
    thousands.
    """
    nodes: list[tuple] = [()]
    known: dict[frozenset, int] = {frozenset([()]): 0}

    def node(rests: frozenset) -> int:
        if rests not in known:
            edges = [(*span, node(after)) for span, after in _branches(rests)]
            known[rests] = len(nodes)
            nodes.append(tuple(edges))
        return known[rests]

    first = node(frozenset(spans for a, b in _cut_out(ranges) for spans in spans_of(a, b)))
    return first, tuple(nodes)


def _branches(rests: frozenset) -> list[tuple[tuple[int, int], frozenset]]:
    """Return ranges of the first byte, each with the remaining bytes that may follow."""
    edges = sorted({edge for spans in rests for edge in (spans[0][0], spans[0][1] + 1)})
    found = []
    for low, after in pairwise(edges):
        following = frozenset(spans[1:] for spans in rests if spans[0][0] <= low and after - 1 <= spans[0][1])
        if following:
            found.append(((low, after - 1), following))
    return found
