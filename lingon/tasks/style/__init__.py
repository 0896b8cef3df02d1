"""Style transfer: a photo with the content it has, painted in the style of a picture."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.style.optimize import Transfer, TransferWeights, transfer
    from lingon.tasks.style.painted import Painted
    from lingon.tasks.style.stylizer import TASK, Stylizer

__all__ = ["TASK", "Painted", "Stylizer", "Transfer", "TransferWeights", "transfer"]
PLACES = {"Painted": "painted", "Transfer": "optimize", "TransferWeights": "optimize", "transfer": "optimize"}


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in __all__:
        return getattr(import_module(f"{__name__}.{PLACES.get(name, 'stylizer')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
