"""Dependency parsing: each word of a sentence gets its head and its relation to it, so that they are a tree."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.parse.parsed import Parsed
    from lingon.tasks.parse.parser import TASK, Parser

__all__ = ["TASK", "Parsed", "Parser"]
PLACES = {"Parsed": "parsed"}


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in __all__:
        return getattr(import_module(f"{__name__}.{PLACES.get(name, 'parser')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
