"""A JSON schema as a regular expression, so that what a model writes is JSON of that shape."""

import json
import re
from collections.abc import Mapping
from typing import Any

from lingon.core.errors import UserError, unknown

TEXT = r'[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}'
INTEGER = r"-?(?:0|[1-9]\d{0,17})"
NUMBER = INTEGER + r"(?:\.\d{1,17})?(?:[eE][+\-]?\d{1,3})?"
SPACE = " ?"
DEEPEST = 16
KNOWN = (
    "type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "enum", "const",
    "anyOf", "oneOf", "pattern", "minLength", "maxLength", "title", "description", "default", "examples", "$schema",
)  # fmt: skip
TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")


def pattern_of(schema: Any, depth: int = 0) -> str:
    """The pattern of JSON texts that a schema describes, with at most one space after commas and colons.

    Properties come in the order of the schema; those that are not required may be left out, and without `required`
    all must come. Bounds of numbers, `$ref` and other keywords that no regular expression can check are refused by
    name. Raises UserError.
    """
    if depth > DEEPEST:
        raise UserError(f"the schema is more than {DEEPEST} levels deep")
    if schema is True or schema == {}:
        raise UserError("a schema that allows anything is no regular expression; give it a type")
    if not isinstance(schema, Mapping):
        raise UserError(f"a schema is an object, not {str(schema)[:40]!r}")
    for key in schema:
        if key not in KNOWN:
            raise unknown("keyword of the schema", key, KNOWN)
    if "const" in schema:
        return _literal(schema["const"])
    if "enum" in schema:
        return _any([_literal(value) for value in _list(schema, "enum")])
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return _any([pattern_of(part, depth + 1) for part in _list(schema, key)])
    kind = schema.get("type", "object" if "properties" in schema else None)
    if isinstance(kind, list):
        return _any([pattern_of({**schema, "type": one}, depth + 1) for one in kind])
    if kind not in TYPES:
        raise unknown("type of the schema", str(kind), TYPES)
    return {"object": _object, "array": _array, "string": _string}.get(kind, _plain)(schema, depth)


def _plain(schema: Mapping[str, Any], depth: int) -> str:
    return {"number": NUMBER, "integer": INTEGER, "boolean": "(?:true|false)", "null": "null"}[schema["type"]]


def _string(schema: Mapping[str, Any], depth: int) -> str:
    if "pattern" in schema:
        return f'"(?:{str(schema["pattern"]).removeprefix("^").removesuffix("$")})"'
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    return f'"(?:{TEXT}){{{least},{"" if most is None else int(most)}}}"'


def _array(schema: Mapping[str, Any], depth: int) -> str:
    if "items" not in schema:
        raise UserError("an array of the schema needs 'items', the shape of its members")
    item = pattern_of(schema["items"], depth + 1)
    least, most = int(schema.get("minItems", 0)), schema.get("maxItems")
    if most == 0:
        return r"\[\]"
    more = f"(?:,{SPACE}(?:{item})){{{max(0, least - 1)},{'' if most is None else int(most) - 1}}}"
    return rf"\[(?:{item}){more}\]" if least else rf"\[(?:(?:{item}){more})?\]"


def _object(schema: Mapping[str, Any], depth: int) -> str:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        raise UserError("an object of the schema needs 'properties'")
    needed = schema.get("required", list(properties))
    if strange := [name for name in needed if name not in properties]:
        raise unknown("required property", str(strange[0]), properties)
    members = [(f"{_literal(n)}:{SPACE}(?:{pattern_of(p, depth + 1)})", n in needed) for n, p in properties.items()]
    return r"\{" + _members(members) + r"\}"


def _members(members: list[tuple[str, bool]]) -> str:
    """Members in their order with commas between, optional ones left out or not."""
    first_needed = next((i for i, (_, must) in enumerate(members) if must), None)
    if first_needed is None:  # whichever comes first has no comma before it
        tails = ["".join(f"(?:,{SPACE}{m})?" for m, _ in members[i + 1 :]) for i in range(len(members))]
        return "(?:" + "|".join(f"{m}{tail}" for (m, _), tail in zip(members, tails, strict=True)) + ")?"
    before = "".join(f"(?:{m},{SPACE})?" for m, _ in members[:first_needed])
    after = (f",{SPACE}{m}" if must else f"(?:,{SPACE}{m})?" for m, must in members[first_needed + 1 :])
    return before + members[first_needed][0] + "".join(after)


def _literal(value: Any) -> str:
    return re.sub(r"([\\^$.|?*+()\[\]{}])", r"\\\1", json.dumps(value, ensure_ascii=False))


def _list(schema: Mapping[str, Any], key: str) -> list:
    if not isinstance(schema[key], list) or not schema[key]:
        raise UserError(f"'{key}' of the schema is {str(schema[key])[:40]!r}, expected a list with something in it")
    return schema[key]


def _any(patterns: list[str]) -> str:
    return "(?:" + "|".join(patterns) + ")"
