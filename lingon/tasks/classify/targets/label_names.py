"""The names of labels in a configuration from a file."""

from collections.abc import Sequence
from typing import Any

from lingon.core.errors import DataError


def check_labels(labels: Sequence[Any], least: int) -> None:
    """Raise DataError unless these are `least` or more different texts."""
    number = {1: "one", 2: "two"}[least]
    if len(labels) < least or len(set(map(str, labels))) < len(labels) or not all(isinstance(x, str) for x in labels):
        raise DataError(f"key 'labels' must hold {number} or more different texts")
    if any("\ud800" <= c <= "\udfff" for c in "".join(labels)):
        raise DataError("key 'labels' holds half a surrogate pair, which is no character")
