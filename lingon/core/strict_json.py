"""Writes strict JSON that every reader accepts. Python's own json writes NaN and Infinity, which are not JSON."""

import json
import math
import re
from typing import Any

_HALVES = re.compile("[\ud800-\udfff]")  # halves of surrogate pairs, which no encoding can write


def dumps(value: Any, indent: int | None = None, ensure_ascii: bool = False) -> str:
    """Return a value as strict JSON: numbers that are not finite become null, half a surrogate pair its escape.

    Scalars of NumPy and torch are written as numbers. Raises TypeError for other types.

    >>> dumps({"auc": float("nan"), "loss": [0.5, float("inf")]})
    '{"auc": null, "loss": [0.5, null]}'
    """
    text = json.dumps(_plain(value), indent=indent, ensure_ascii=ensure_ascii, allow_nan=False)
    return _HALVES.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if not isinstance(value, str | int | float) and getattr(value, "ndim", None) == 0:  # of NumPy or torch
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
