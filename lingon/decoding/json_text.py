"""The grammars of JSON texts: strings, numbers, arrays, objects, and text as it stands in a string."""

import json
from functools import cache
from typing import Any

from lingon.decoding.regex import NOTHING, Characters, Either, Graph, Node, Repeat, Sequence, literal, parse, union, without

HEX = "[0-9a-fA-F]"
SPACE = Repeat(literal(" "), 0, 1)
PLAIN = Characters(without(union([(0, 0x1F), (0x22, 0x22), (0x5C, 0x5C), (0xD800, 0xDFFF)])))
ESCAPE = parse(rf'\\(["\\/bfnrt]|u([0-9abcefABCEF]{HEX}{{3}}|[dD][0-7]{HEX}{{2}}))')
LETTER = Either((PLAIN, ESCAPE))
INTEGER = r"-?(0|[1-9][0-9]{0,17})"
NUMBER = INTEGER + r"(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?"
COMMA = Sequence((literal(","), SPACE))


def quoted(inside: Node) -> Node:
    """A JSON string with this inside."""
    return Sequence((literal('"'), inside, literal('"')))


def array(item: Node, least: int = 0, most: int | None = None) -> Node:
    """A JSON array of so many items."""
    if most == 0:
        return literal("[]")
    if most is None and least <= 1:
        return _filled("[", item, "]", may_be_empty=not least)
    more = Repeat(Sequence((COMMA, item)), max(0, least - 1), None if most is None else most - 1)
    filled = Sequence((item, more))
    return Sequence((literal("["), filled if least else Either((filled, NOTHING)), literal("]")))


def _filled(opening: str, member: Node, closing: str, may_be_empty: bool = True) -> Node:
    """Members with commas between, without end; the member stands in the grammar once."""
    edges = [(0, 1, literal(opening)), (1, 2, member), (2, 1, COMMA), (2, 3, literal(closing))]
    return Graph(4, (*edges, *([(0, 3, literal(opening + closing))] if may_be_empty else [])))


def mapping(value: Node) -> Node:
    """A JSON object with any names and such values."""
    member = Sequence((quoted(Repeat(LETTER, 0, None)), literal(":"), SPACE, value))
    return _filled("{", member, "}")


@cache
def anything(depth: int) -> Node:
    """Any JSON, arrays and objects nested so deep."""
    simple: Node = Either((quoted(Repeat(LETTER, 0, None)), parse(NUMBER), parse("true|false|null")))
    found = simple
    for _ in range(depth):
        found = Either((simple, array(found), mapping(found)))
    return found


def written(value: Any) -> Node:
    """A value as JSON writes it."""
    return literal(json.dumps(value, ensure_ascii=False))


def escaped(node: Node) -> Node:
    """The grammar of the same texts as they stand in a JSON string: quotes, backslashes and controls written out."""
    if isinstance(node, Characters):
        inside = lambda point: any(low <= point <= high for low, high in node.ranges)
        special = [point for point in (*range(32), 0x22, 0x5C) if inside(point)]
        others = without(union([*without(node.ranges), *((p, p) for p in special), (0xD800, 0xDFFF)]))
        return Either((Characters(others), *(literal(json.dumps(chr(point))[1:-1]) for point in special)))
    if isinstance(node, Repeat):
        return Repeat(escaped(node.part), node.least, node.most)
    return type(node)(tuple(map(escaped, node.parts)))


def integers(low: int, high: int) -> Node:
    """The whole numbers from low to high, without leading zeros.

    >>> from lingon.decoding.automaton import compiled
    >>> numbers = compiled(integers(-3, 120))
    >>> [n for n in range(-20, 200) if numbers.accepts(str(n))] == list(range(-3, 121))
    True
    """
    parts: list[Node] = []
    if low < 0:
        parts.append(Sequence((literal("-"), _positive(max(1, -high), -low))))
    if high >= 0:
        parts.append(_positive(max(0, low), high))
    return Either(tuple(parts))


def _positive(low: int, high: int) -> Node:
    """Numbers of the same count of digits go together."""
    parts = []
    for digits in range(len(str(low)), len(str(high)) + 1):
        first = max(low, 0 if digits == 1 else 10 ** (digits - 1))
        parts.append(_between(str(first), str(min(high, 10**digits - 1))))
    return Either(tuple(parts))


def _between(low: str, high: str) -> Node:
    """Numbers with as many digits as both ends have, digit by digit."""
    if len(low) == 1:
        return Characters(((ord(low), ord(high)),))
    if low.strip("0") == high.strip("9") == "":
        return Repeat(parse("[0-9]"), len(low), len(low))
    if low[0] == high[0]:
        return Sequence((literal(low[0]), _between(low[1:], high[1:])))
    rest = len(low) - 1
    parts = [Sequence((literal(low[0]), _between(low[1:], "9" * rest)))]
    if ord(high[0]) - ord(low[0]) > 1:
        middle = Characters(((ord(low[0]) + 1, ord(high[0]) - 1),))
        parts.append(Sequence((middle, Repeat(parse("[0-9]"), rest, rest))))
    parts.append(Sequence((literal(high[0]), _between("0" * rest, high[1:]))))
    return Either(tuple(parts))
