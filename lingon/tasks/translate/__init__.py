"""Translation: a text of one language, or style, becomes a text of another."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.translate.params import TranslationParams
    from lingon.tasks.translate.terms import Terms
    from lingon.tasks.translate.translation import Translation
    from lingon.tasks.translate.translator import TASK, Translator

__all__ = ["TASK", "Terms", "Translation", "TranslationParams", "Translator"]

HOMES = {"TASK": "translator", "Translator": "translator", "Translation": "translation"}
HOMES |= {"TranslationParams": "params", "Terms": "terms"}


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in HOMES:
        return getattr(import_module(f"lingon.tasks.translate.{HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
