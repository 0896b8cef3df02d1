"""Grammars of JSON texts: strings, numbers, arrays, objects, and escaped text in strings."""

import json
from functools import cache
from typing import Any

from lingon.decoding.regex import (
    NOTHING,
    Alternation,
    CharacterClass,
    Concatenation,
    Graph,
    Pattern,
    Repetition,
    literal,
    parse,
    union,
    without,
)

HEX = "[0-9a-fA-F]"
SPACE = Repetition(literal(" "), 0, 1)
PLAIN = CharacterClass(without(union([(0, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0xD800, 0xDFFF)])))
ESCAPE = parse(rf'\\(["\\/bfnrt]|u([0-9abcefABCEF]{HEX}{{3}}|[dD][0-7]{HEX}{{2}}))')
LETTER = Alternation((PLAIN, ESCAPE))
INTEGER = r"-?(0|[1-9][0-9]{0,17})"
NUMBER = INTEGER + r"(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?"
COMMA = Concatenation((literal(","), SPACE))


def quoted(inside: Pattern) -> Pattern:
    """Return the grammar of a JSON string with this content."""
    return Concatenation((literal('"'), inside, literal('"')))


def array(item: Pattern, least: int = 0, most: int | None = None) -> Pattern:
    """Return the grammar of a JSON array of `least` to `most` items."""
    if most == 0:
        return literal("[]")
    if most is None and least <= 1:
        return _filled("[", item, "]", may_be_empty=not least)
    more = Repetition(Concatenation((COMMA, item)), max(0, least - 1), None if most is None else most - 1)
    filled = Concatenation((item, more))
    return Concatenation((literal("["), filled if least else Alternation((filled, NOTHING)), literal("]")))


def _filled(opening: str, member: Pattern, closing: str, may_be_empty: bool = True) -> Pattern:
    """Return the grammar of any number of members with commas between; the member occurs once in the graph."""
    edges = [(0, 1, literal(opening)), (1, 2, member), (2, 1, COMMA), (2, 3, literal(closing))]
    return Graph(4, (*edges, *([(0, 3, literal(opening + closing))] if may_be_empty else [])))


def row(items: list[Pattern], others: Pattern | None, least: int, most: int | None) -> Pattern:
    """Return the grammar of a JSON array with these first items, and further items of one kind, if allowed.

    Nodes of the graph: 2i + 1 before item i, 2i + 2 after it.
    """
    count = len(items)
    if others is not None:
        count = max(count + 1, least) if most is None else most
    elif most is not None:
        count = min(count, most)
    if not count:
        return literal("[]")
    last = 2 * count + 1
    edges: list[tuple[int, int, Pattern]] = [(0, 1, literal("["))]
    edges += [] if least else [(0, last, literal("[]"))]
    for i in range(count):
        item = items[i] if i < len(items) else others
        assert item is not None, "no more items than there are, or others"
        edges.append((2 * i + 1, 2 * i + 2, item))
        edges += [(2 * i + 2, 2 * i + 3, COMMA)] if i + 1 < count else []
        edges += [(2 * i + 2, last, literal("]"))] if i + 1 >= least else []
    if others is not None and most is None:
        edges.append((2 * count, 2 * count - 1, COMMA))
    return Graph(last + 1, tuple(edges))


def mapping(value: Pattern) -> Pattern:
    """Return the grammar of a JSON object with any names and these values."""
    member = Concatenation((quoted(Repetition(LETTER, 0, None)), literal(":"), SPACE, value))
    return _filled("{", member, "}")


@cache
def anything(depth: int) -> Pattern:
    """Return the grammar of any JSON, with arrays and objects nested up to `depth`."""
    simple: Pattern = Alternation((quoted(Repetition(LETTER, 0, None)), parse(NUMBER), parse("true|false|null")))
    found = simple
    for _ in range(depth):
        found = Alternation((simple, array(found), mapping(found)))
    return found


def written(value: Any) -> Concatenation:
    """Return the grammar of a value as JSON."""
    return literal(json.dumps(value, ensure_ascii=False))


def escaped(node: Pattern) -> Pattern:
    """Return the grammar of the same texts inside a JSON string, with quotes and the like escaped."""
    if isinstance(node, CharacterClass):
        inside = lambda point: any(low <= point <= high for low, high in node.ranges)
        special = [point for point in (*range(32), 0x22, 0x5C) if inside(point)]
        others = without(union([*without(node.ranges), *((p, p) for p in special), (0xD800, 0xDFFF)]))
        return Alternation((CharacterClass(others), *(literal(json.dumps(chr(point))[1:-1]) for point in special)))
    if isinstance(node, Repetition):
        return Repetition(escaped(node.part), node.least, node.most)
    assert not isinstance(node, Graph), "only texts are written out"
    return type(node)(tuple(map(escaped, node.parts)))
