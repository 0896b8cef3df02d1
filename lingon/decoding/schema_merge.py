"""Merging of JSON schemas that must all hold, for `allOf` and for keywords beside `$ref`."""

from collections.abc import Callable, Mapping
from math import lcm
from typing import Any

from lingon.core.errors import UserError

NOTES = {"$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples"}


def both(one: Any, other: Any, where: str) -> Any:
    """Return a schema for what both accept. Raises UserError that names the keyword that cannot be merged."""
    if one is True or other is True:
        return other if one is True else one
    if one is False or other is False:
        return False
    for schema in (one, other):
        if not isinstance(schema, Mapping):
            raise UserError(f"{where} is {str(schema)[:40]}, expected an object")
    _check_items(one, other, where)
    one, other = _within(one, other), _within(other, one)
    found = dict(one)
    for word, value in other.items():
        if word not in found or found[word] == value:
            found[word] = value
        elif word in MERGED:
            found[word] = _merged(word, found[word], value, where)
        elif word not in NOTES:
            raise UserError(f"{where}: two different {word!r} at once cannot be merged here; write one")
    return _chosen(found, where)


def _merged(word: str, one: Any, other: Any, where: str) -> Any:
    try:
        return MERGED[word](one, other)
    except (TypeError, ValueError):
        raise UserError(f"{where}: {word!r} is {str(one)[:40]} and {str(other)[:40]}, which cannot be merged") from None


def _all_of(one: Any, other: Any) -> Any:
    return {"allOf": [one, other]}


def _types(one: Any, other: Any) -> list:
    one, other = (kinds if isinstance(kinds, list) else [kinds] for kinds in (one, other))
    narrow = [kind for kind in one if kind in other or (kind == "integer" and "number" in other)]
    narrow += [kind for kind in other if kind == "integer" and "number" in one and kind not in narrow]
    if not narrow:
        raise ValueError
    return narrow


def _properties(one: Mapping, other: Mapping) -> dict:
    return {**one, **{name: _all_of(one[name], value) if name in one else value for name, value in other.items()}}


def _names(one: list, other: list) -> list:
    if not isinstance(one, list) or not isinstance(other, list):
        raise TypeError
    return list(dict.fromkeys([*one, *other]))


def _values(one: list, other: list) -> list:
    found = [value for value in one if any(_same(value, also) for also in other)]
    if not found:
        raise ValueError
    return found


def _same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal; 1 is not equal to true."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


MERGED: dict[str, Callable[[Any, Any], Any]] = {
    "type": _types,
    "properties": _properties,
    "required": _names,
    "additionalProperties": _all_of,
    "items": _all_of,
    "enum": _values,
    "multipleOf": lcm,
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems"), min),
}


def _within(one: Mapping, other: Mapping) -> Mapping:
    """Return schema `one` with `additionalProperties` of `other` applied to properties that `other` does not name."""
    others, known = other.get("additionalProperties", True), other.get("properties", {})
    properties = one.get("properties", {})
    if others is True or not isinstance(properties, Mapping) or not isinstance(known, Mapping):
        return one
    kept = {name: value if name in known else _all_of(value, others) for name, value in properties.items()}
    return {**one, "properties": kept} if "properties" in one else one


def _check_items(one: Mapping, other: Mapping, where: str) -> None:
    for a, b in ((one, other), (other, one)):
        if "prefixItems" in a and {"items", "prefixItems"} & set(b):
            raise UserError(f"{where}: 'prefixItems' and the items of another part cannot be merged here; write one")


def _chosen(found: dict, where: str) -> dict:
    """Return the schema with 'enum' dropped beside a 'const' that it contains. Raises UserError if it does not."""
    if "const" in found and "enum" in found:
        if not any(_same(found["const"], value) for value in found["enum"]):
            raise UserError(f"{where}: 'const' is not among the values of 'enum'")
        del found["enum"]
    return found
