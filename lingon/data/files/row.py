"""One row of a user's table, and the texts of its cells."""

import math
import re
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple


class TableRow(NamedTuple):
    """One row: its place (`:17`, or `: row 17`), its values by column, or else what is wrong with it."""

    where: str
    values: dict[str, Any]
    problem: str = ""


def cell_text(value: Any) -> str | None:
    """Return a cell as text, also numbers, dates (as ISO 8601) and UTF-8 bytes; None for anything else.

    >>> cell_text(b"caf\\xc3\\xa9"), cell_text(date(2020, 1, 31)), cell_text(None)
    ('café', '2020-01-31', None)
    """
    if isinstance(value, str):  # in a table of texts nearly all are
        return value
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}" if value.is_finite() else None
    if isinstance(value, float) and math.isnan(value):
        return None
    return str(value) if isinstance(value, int | float) else None


def label_text(value: Any) -> str | None:
    """Return a label as text: 3.0 is "3", True and "True" are "true"; None for None, NaN and blanks."""
    return _label(cell_text(value) or "")


@lru_cache(4096)  # labels repeat
def _label(value: str) -> str | None:
    value = value.strip()
    if value.lower() in ("true", "false"):  # csv writes True (Excel TRUE), JSON true
        return value.lower()
    # Tables turn whole numbers into 3.0 as soon as one cell is empty, so 3 and 3.0 are one label.
    return re.sub(r"^(-?\d+)\.0+$", r"\1", value) or None
