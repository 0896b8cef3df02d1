"""Segmentation: each pixel of an image gets a class."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.segment.segmented import Segmented
    from lingon.tasks.segment.segmenter import TASK, Segmenter

__all__ = ["TASK", "Segmented", "Segmenter"]
PLACES = {"Segmented": "segmented"}


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in __all__:
        return getattr(import_module(f"{__name__}.{PLACES.get(name, 'segmenter')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
