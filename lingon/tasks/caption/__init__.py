"""Captioning: a picture gets a sentence that says what it shows."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.caption.caption import Caption
    from lingon.tasks.caption.captioner import TASK, Captioner
    from lingon.tasks.caption.params import CaptionParams

__all__ = ["TASK", "Caption", "CaptionParams", "Captioner"]
PLACES = {"Caption": "caption", "CaptionParams": "params"}


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in __all__:
        return getattr(import_module(f"{__name__}.{PLACES.get(name, 'captioner')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
