"""Visual question answering: a question on an image becomes one of the answers that training knew."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.visual_answer.visual_answer import VisualAnswer
    from lingon.tasks.visual_answer.visual_answerer import TASK, VisualAnswerer

__all__ = ["TASK", "VisualAnswer", "VisualAnswerer"]
PLACES = {"VisualAnswer": "visual_answer"}


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in __all__:
        return getattr(import_module(f"{__name__}.{PLACES.get(name, 'visual_answerer')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
