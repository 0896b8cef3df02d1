"""Detection: which objects are in an image, each with a box around it, a label and a score."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.detect.detections import Detection, Detections
    from lingon.tasks.detect.detector import TASK, Detector

__all__ = ["TASK", "Detection", "Detections", "Detector"]
PLACES = {"Detection": "detections", "Detections": "detections"}


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in __all__:
        return getattr(import_module(f"{__name__}.{PLACES.get(name, 'detector')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
