"""Synthesis of images: a generator learns from labelled images, and makes new ones of a label."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.synthesize.synthesizer import TASK, Synthesizer

__all__ = ["TASK", "Synthesizer"]


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in __all__:
        return getattr(import_module(f"{__name__}.synthesizer"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
