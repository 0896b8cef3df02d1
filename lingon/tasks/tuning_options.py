"""What of pretrained weights is trained: the choices, and which settings go with which. Imports no torch."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lingon.core.errors import UserError, unknown

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

TUNINGS = ("full", "frozen", "lora", "head-first", "contrastive")
LORA_LAYERS = "query,value"
OF_LORA = ("lora_rank", "lora_alpha", "lora_dropout", "lora_layers", "quantize")
QUANTIZATIONS = ("int8",)
HEAD_PATH = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # inverses of the regularisation of a head on frozen vectors
# Settings of a model with fresh weights: those that are loaded have decided them.
OF_FRESH = ("model", "width", "depth", "set", "tokenizer", "vocab", "vectors", "freeze", "C")


def check_tuning(settings: Any) -> None:
    """Raise UserError for settings of a tuning that is not chosen, or is chosen without weights to start from."""
    for name in ("tuning", "head_lr", *OF_LORA):
        if getattr(settings, name) is not None and settings.from_ is None:
            raise UserError(f"--{_flag(name)} is {getattr(settings, name)}, which applies only with --from")
    if settings.tuning not in (*TUNINGS, None):
        raise unknown("tuning", settings.tuning, TUNINGS)
    for name in OF_LORA:
        if getattr(settings, name) is not None and settings.tuning != "lora":
            raise UserError(f"--{_flag(name)} is {getattr(settings, name)}, which applies only with --tuning lora")
    if settings.quantize not in (*QUANTIZATIONS, None):
        raise unknown("quantization", settings.quantize, QUANTIZATIONS)
    decay = settings.layer_lr_decay
    if decay is not None and not 0 < decay <= 1:
        raise UserError(f"--layer-lr-decay is {decay}; expected a fraction over 0, up to 1")


def require_tuning(settings: Any, allowed: Iterable[str], why: str) -> None:
    """Raise UserError unless the tuning is one of these. why: the end of the message."""
    if settings.tuning is not None and settings.tuning not in allowed:
        raise UserError(f"--tuning is {settings.tuning}, {why}; choose {' or '.join(allowed)}")


def refuse_fresh(settings: Any, pretrained: "Pretrained") -> None:
    """Raise UserError for a setting that was given and that the loaded weights have decided."""
    for name in OF_FRESH:
        field = settings.__dataclass_fields__.get(name)
        if field is not None and getattr(settings, name) != field.default:
            raise UserError(
                f"--{_flag(name)} is {getattr(settings, name)}, but --from {pretrained.name} brings its model and "
                "its tokenizer; leave it out"
            )


def refuse_head_lr(settings: Any, noun: str) -> None:
    """Raise UserError for a learning rate of a head that a model has not. noun: what the model is."""
    if settings.head_lr is not None:
        raise UserError(f"--head-lr is {settings.head_lr}, but {noun} has no head of its own; leave it out")


def refuse_dropout(settings: Any, pretrained: "Pretrained", model: Any) -> None:
    """Raise UserError for a dropout where the loaded model has none that could be changed."""
    if settings.dropout is not None and "dropout" not in model.config():
        raise UserError(f"--dropout is {settings.dropout}, but {pretrained.name} has none of its own; leave it out")


def _flag(name: str) -> str:
    return name.replace("_", "-")
