"""Extractive question answering: the answer to a question is a span of a passage."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.answer.answerer import TASK, Answerer, FoundAnswer

__all__ = ["TASK", "Answerer", "FoundAnswer"]


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in __all__:
        return getattr(import_module("lingon.tasks.answer.answerer"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
