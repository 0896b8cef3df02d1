"""Rewriting in another style: what says the style is deleted, the rest is kept, and another style is written in."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.rewrite.rewriter import TASK, Rewriter, Rewriting

__all__ = ["TASK", "Rewriter", "Rewriting"]


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in __all__:
        return getattr(import_module("lingon.tasks.rewrite.rewriter"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
