"""Text classification: one label for each text."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.classify.classifier import TASK, Classification, Classifier, cross_entropy, penalty_of, scores

__all__ = ["TASK", "Classification", "Classifier", "cross_entropy", "penalty_of", "scores"]


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in __all__:
        return getattr(import_module("lingon.tasks.classify.classifier"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
