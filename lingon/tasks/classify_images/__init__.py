"""Image classification: one label for each image."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.classify_images.image_classifier import TASK, ImageClassifier
    from lingon.tasks.classify_images.image_label import ImageLabel

__all__ = ["TASK", "ImageClassifier", "ImageLabel"]
PLACES = {"ImageLabel": "image_label"}


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in __all__:
        return getattr(import_module(f"{__name__}.{PLACES.get(name, 'image_classifier')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
