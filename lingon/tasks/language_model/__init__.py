"""Language modeling: a model that is trained on running text, generates text, and says how likely a text is."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.decoding.sampling_params import SamplingParams
    from lingon.tasks.language_model.language_model import TASK, LanguageModel

__all__ = ["TASK", "LanguageModel", "SamplingParams"]


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in __all__:
        return getattr(import_module("lingon.tasks.language_model.language_model"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
