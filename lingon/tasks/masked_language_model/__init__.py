"""Masked language modelling: an encoder is trained on running text by predicting masked tokens."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.masked_language_model.masked_language_model import TASK, MaskedLanguageModel

__all__ = ["TASK", "MaskedLanguageModel"]


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in __all__:
        return getattr(import_module("lingon.tasks.masked_language_model.masked_language_model"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
