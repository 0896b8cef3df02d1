"""Grammars of the numeric types of JSON Schema, with bounds."""

import json
import math
from collections.abc import Mapping
from fractions import Fraction

from lingon.core.errors import UserError
from lingon.decoding.json_numbers import decimals, integers, multiples
from lingon.decoding.json_text import INTEGER, NUMBER
from lingon.decoding.regex import Pattern, parse

BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
WORDS = {*BOUNDS, "multipleOf"}
DEFAULT_BOUND = 10**18 - 1  # where there is no bound
DIGITS = 100  # maximum digits of a bound of an integer
# Of numbers with bounds. Different decimals of 15 digits are different floats, so none beyond a bound rounds to it.
MAX_DIGITS = 15
DEFAULT_DIGITS = 9  # of them before the decimal point, if there is a bound on one side only


def integer(schema: Mapping, where: str) -> Pattern:
    """Return the grammar of integers within the bounds of a schema."""
    low, high = _range(schema, where, 1)
    step = schema.get("multipleOf", 1)
    if isinstance(step, bool) or not isinstance(step, int | float) or step <= 0 or step != int(step):
        raise UserError(f"{where}: key 'multipleOf' is {json.dumps(step)[:40]}, expected a whole number over 0")
    if low is None and high is None and step == 1:
        return parse(INTEGER)
    edge = 10**DIGITS - 1
    low, high = (None if low is None else max(low, -edge)), (None if high is None else min(high, edge))
    low = min(-DEFAULT_BOUND, high or 0) if low is None else low
    high = max(DEFAULT_BOUND, low) if high is None else high
    if low > high or low > edge or high < -edge:
        raise UserError(f"{where}: {_said(schema)}, which nothing can be of at most {DIGITS} digits")
    if step == 1:
        return integers(low, high)
    if -(-low // int(step)) > high // int(step):
        raise UserError(f"{where}: {_said(schema)}, which nothing can be")
    found = multiples(int(step), low, high)
    if found is None:
        raise UserError(f"{where}: 'multipleOf' {step} has an automaton only with a minimum and a maximum close to it")
    return found


def number(schema: Mapping, where: str) -> Pattern:
    """Return the grammar of numbers within the bounds of a schema; with bounds: no exponent and up to 15 digits."""
    if "multipleOf" in schema:
        step = schema["multipleOf"]
        if isinstance(step, float) and step != int(step):
            raise UserError(f"{where}: key 'multipleOf' is {step}; only whole numbers are supported here")
        return integer(schema, where)
    given = {word: bound for word in BOUNDS if (bound := _bound(schema, word, where)) is not None}
    if not given:
        return parse(NUMBER)
    near = {word: bound for word, bound in given.items() if abs(bound) < 10**MAX_DIGITS}
    integer_digits = max([len(str(abs(int(bound)))) for bound in near.values()], default=MAX_DIGITS)
    on_both_sides = len({word.lower()[-7:] for word in near}) == 2
    places = MAX_DIGITS - (integer_digits if on_both_sides else max(DEFAULT_DIGITS, integer_digits))
    low, high = _range(schema, where, 10**places)
    edge = 10**MAX_DIGITS - 1
    low, high = -edge if low is None else max(low, -edge), edge if high is None else min(high, edge)
    if low > high:
        digits = f"{MAX_DIGITS} digits, {places} after the point"
        raise UserError(f"{where}: {_said(schema)}, which nothing can be of at most {digits}")
    return decimals(low, high, places)


def _range(schema: Mapping, where: str, unit: int) -> tuple[int | None, int | None]:
    """Return the smallest and the largest multiple of 1 / unit within the bounds, as integers."""
    lows = [math.ceil(x * unit) for w in BOUNDS[:1] if (x := _bound(schema, w, where)) is not None]
    lows += [math.floor(x * unit) + 1 for w in BOUNDS[1:2] if (x := _bound(schema, w, where)) is not None]
    highs = [math.floor(x * unit) for w in BOUNDS[2:3] if (x := _bound(schema, w, where)) is not None]
    highs += [math.ceil(x * unit) - 1 for w in BOUNDS[3:] if (x := _bound(schema, w, where)) is not None]
    return max(lows, default=None), min(highs, default=None)


def _bound(schema: Mapping, word: str, where: str) -> Fraction | None:
    value = schema.get(word)
    if word in schema and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise UserError(f"{where}: key {word!r} is {json.dumps(value)[:40]}, expected a number")
    return None if value is None else Fraction(repr(value))


def _said(schema: Mapping) -> str:
    """Return the given bounds as text for messages."""
    return " and ".join(f"{word} is {str(schema[word])[:40]}" for word in (*BOUNDS, "multipleOf") if word in schema)
