"""The characters of a Unicode property, named as in regular expressions: L for letters."""

import sys
import unicodedata
from functools import cache
from itertools import groupby

Ranges = tuple[tuple[int, int], ...]
LONG = {
    "Letter": "L",
    "Uppercase_Letter": "Lu",
    "Lowercase_Letter": "Ll",
    "Titlecase_Letter": "Lt",
    "Mark": "M",
    "Number": "N",
    "Decimal_Number": "Nd",
    "Punctuation": "P",
    "Symbol": "S",
    "Separator": "Z",
    "Space_Separator": "Zs",
    "Other": "C",
    "Control": "Cc",
}
WHOLE = {"Any": ((0, sys.maxunicode),), "ASCII": ((0, 0x7F),)}


@cache
def categories() -> tuple[tuple[str, int, int], ...]:
    """Return runs of characters of one general category: (category, first, last), in order."""
    found, first = [], 0
    for name, stretch in groupby(map(unicodedata.category, map(chr, range(sys.maxunicode + 1)))):
        after = first + sum(1 for _ in stretch)
        found.append((name, first, after - 1))
        first = after
    return tuple(found)


def property_of(name: str) -> Ranges | None:
    """Return the characters of a general category, by its short or long name, or of ASCII or Any; else None.

    The characters are those of the Unicode version of this Python.

    >>> property_of("Nd")[0], property_of("gc=Decimal_Number") == property_of("Nd"), property_of("Greek")
    ((48, 57), True, None)
    """
    if name in WHOLE:
        return WHOLE[name]
    short = name.removeprefix("General_Category=").removeprefix("gc=")
    short = LONG.get(short, short)
    wanted = ("Lu", "Ll", "Lt") if short == "LC" else (short,)
    ranges: list[tuple[int, int]] = []
    for category, low, high in categories():
        if category in wanted or (len(short) == 1 and category[0] == short):
            if ranges and ranges[-1][1] + 1 == low:
                low = ranges.pop()[0]
            ranges.append((low, high))
    return tuple(ranges) or None
