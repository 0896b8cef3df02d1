"""Tagging: a tag for each word, as its part of speech, or spans of words, as names; maybe a label for the sentence."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.tag.tagged_text import TaggedText, TextSpan
    from lingon.tasks.tag.tagger import TASK, Tagger

__all__ = ["TASK", "TaggedText", "Tagger", "TextSpan"]
PLACES = {"TaggedText": "tagged_text", "TextSpan": "tagged_text"}


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in __all__:
        return getattr(import_module(f"{__name__}.{PLACES.get(name, 'tagger')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
