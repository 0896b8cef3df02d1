"""Names of labels and numbers in a configuration from a file, and in the labels of texts."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lingon.core.errors import DataError, unknown
from lingon.core.shapes import Int


def check_labels(labels: Sequence[Any], least: int) -> None:
    """Raise DataError unless these are `least` or more different texts."""
    number = {1: "one", 2: "two"}[least]
    if len(labels) < least or len(set(map(str, labels))) < len(labels) or not all(isinstance(x, str) for x in labels):
        raise DataError(f"key 'labels' must hold {number} or more different texts")
    if any("\ud800" <= c <= "\udfff" for c in "".join(labels)):
        raise DataError("key 'labels' holds half a surrogate pair, which is no character")


def check_keys(config: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise DataError for a key that this kind of targets has not."""
    if strangers := config.keys() - set(known):
        raise unknown("key of targets", min(map(str, strangers)), known)


def check_number(config: Mapping[str, Any], key: str, least: float, most: float, default: float | None = None) -> None:
    """Raise DataError unless the key is a finite number in [least, most]. default: where it may be missing."""
    value = config.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise DataError(f"key {key!r} is {str(value)[:40]}, expected a number from {least:g} to {most:g}")


def check_numbers(config: Mapping[str, Any], key: str, count: int) -> None:
    """Raise DataError unless the key holds so many finite numbers."""
    values = config.get(key)
    right = isinstance(values, list) and len(values) == count
    if not right or not all(type(v) in (int, float) and math.isfinite(v) for v in values or ()):
        raise DataError(f"key {key!r} is {str(values)[:40]!r}, expected a list of {count} numbers")


def class_numbers(labels: Iterable[str], known: Sequence[str], count: int) -> Int[np.ndarray, " n"]:
    """Return the place of each label in `known`. Raises UserError for a label that is not there."""
    number, found = {label: i for i, label in enumerate(known)}, np.empty(count, np.int64)
    for i, label in enumerate(labels):
        if label not in number:
            raise unknown("label", label, known)
        found[i] = number[label]
    return found
