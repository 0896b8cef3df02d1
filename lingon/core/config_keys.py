"""Checks that keys of a configuration file exist and have the right type before their values are used."""

from collections.abc import Mapping
from typing import Any

from lingon.core.errors import DataError


def want(config: Mapping[str, Any], key: str, kind: type | tuple[type, ...], what: str) -> Any:
    """Return the value of a key. Raises DataError if it is missing, or not of this type.

    what: the type in words, for the message. A bool is not accepted as a number.
    """
    if key not in config:
        raise DataError(f"key {key!r} is missing")
    if not isinstance(config[key], kind) or (isinstance(config[key], bool) and kind is not bool):
        raise DataError(f"key {key!r} is {str(config[key])[:40]!r}, expected {what}")
    return config[key]
