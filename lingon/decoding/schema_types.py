"""Grammars of the types of JSON Schema: objects, arrays and strings."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from lingon.core.errors import UserError, unknown
from lingon.decoding.ecma_regex import parse_ecma
from lingon.decoding.json_formats import FORMATS, format_grammar
from lingon.decoding.json_text import COMMA, LETTER, SPACE, anything, array, escaped, mapping, quoted, row
from lingon.decoding.regex import NOTHING, Alternation, Concatenation, Graph, Pattern, Repetition, literal

Read = Callable[[Any, str], Pattern]  # (a nested schema, its location) -> its grammar
ANY_DEPTH = 2  # nesting of arrays and objects in values without a schema
NONE = Alternation(())  # no text at all


def object_grammar(schema: Mapping, where: str, node: Read, write: Callable[[str], Pattern]) -> Pattern:
    """Return the grammar of objects with the properties of a schema, any if it has none. write: grammar of a name."""
    properties, required = schema.get("properties", {}), schema.get("required", [])
    others = schema.get("additionalProperties", True)
    if not isinstance(properties, Mapping):
        raise UserError(f"{where}: key 'properties' is not an object")
    if not isinstance(required, list):
        raise UserError(f"{where}: key 'required' is {json.dumps(required)[:40]}, expected a list of names")
    for name in required:
        if not isinstance(name, str) or name not in properties:
            raise UserError(f"{where}: {name!r} is required and not among the properties")
    if not properties and others is not False:
        return mapping(anything(ANY_DEPTH - 1) if others is True else node(others, "*"))
    members: list[tuple[Pattern, bool]] = []
    for name, value in properties.items():
        found = node(value, name)
        if found == NONE and name in required:
            raise UserError(f"{where}: {name!r} is required, and no value of it is allowed")
        member = (write(name), literal(":"), SPACE, found)
        members.append((Concatenation(member), name in required))
    return _members(members)


def _members(members: list[tuple[Pattern, bool]]) -> Pattern:
    """Return the grammar of an object with these members in order, optional ones may be missing, with commas between.

    Nodes: 2i + 1 before member i if none came before, 2i + 2 if one did; so each member occurs once in the graph.
    """
    edges: list[tuple[int, int, Pattern]] = [(0, 1, literal("{"))]
    count, last = len(members), 3 * len(members) + 3
    for i, (member, needed) in enumerate(members):
        here = 2 * count + 3 + i  # the node where member i starts
        edges += [(2 * i + 1, here, NOTHING), (2 * i + 2, here, COMMA), (here, 2 * i + 4, member)]
        edges += [] if needed else [(2 * i + 1, 2 * i + 3, NOTHING), (2 * i + 2, 2 * i + 4, NOTHING)]
    edges += [(2 * count + 1, last, literal("}")), (2 * count + 2, last, literal("}"))]
    return Graph(last + 1, tuple(edges))


def array_grammar(schema: Mapping, where: str, node: Read) -> Pattern:
    """Return the grammar of arrays, whose first items may each have their own schema."""
    first, others = schema.get("prefixItems"), schema.get("items")
    if isinstance(others, list):  # prefixItems in drafts before 2020
        first, others = others, schema.get("additionalItems")
    elif "additionalItems" in schema:
        raise UserError(f"{where}: key 'additionalItems' without a list of 'items' says nothing; use 'items'")
    least, most = _bounds(schema, "minItems", "maxItems", where)
    if first is None:
        return array(node({} if others is None else others, "items"), least, most)
    if not isinstance(first, list) or not first:
        found = json.dumps(first)[:40]
        raise UserError(f"{where}: key 'prefixItems' is {found}, expected a non-empty list")
    items = [node(part, str(i)) for i, part in enumerate(first)]
    rest = None if others is None else node(others, "items")
    rest = None if rest == NONE else rest
    if rest is None and least > len(items):
        raise UserError(f"{where}: minItems is {least}, and 'items' says of no item after the first {len(items)}")
    return row(items, rest, least, most)


def string_grammar(schema: Mapping, where: str) -> Pattern:
    """Return the grammar of strings, with a length, a pattern or a format."""
    given = [word for word in ("pattern", "format") if word in schema]
    if not given:
        return quoted(Repetition(LETTER, *_bounds(schema, "minLength", "maxLength", where)))
    word, value = given[0], schema[given[0]]
    if len(given) > 1 or "minLength" in schema or "maxLength" in schema:
        also = "'format'" if len(given) > 1 else "a length"
        raise UserError(f"{where}: {word!r} together with {also} is not supported; say it all in the pattern")
    if not isinstance(value, str):
        raise UserError(f"{where}: key {word!r} is {json.dumps(value)[:40]}, expected a string")
    if word == "pattern":
        return quoted(escaped(_pattern(value, where)))
    if value not in FORMATS:
        raise UserError(f"{where}: {unknown('format', value, FORMATS)}; others are not supported here")
    return quoted(escaped(format_grammar(value)))


def _pattern(value: str, where: str) -> Pattern:
    try:
        return parse_ecma(value)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _bounds(schema: Mapping, low: str, high: str, where: str) -> tuple[int, int | None]:
    least, most = schema.get(low, 0), schema.get(high)
    for word, value in ((low, least), (high, most)):
        if value is not None and (type(value) is not int or not 0 <= value <= 1000):
            raise UserError(f"{where}: key {word!r} is {json.dumps(value)[:40]}, expected a number from 0 to 1000")
    if most is not None and least > most:
        raise UserError(f"{where}: {low} is {least} and {high} is {most}, which nothing can be")
    return least, most
