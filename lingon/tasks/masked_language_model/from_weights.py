"""Pretraining that starts from existing weights: of a published encoder, or of one that was pretrained here."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import nn

from lingon.core.errors import UserError
from lingon.tasks.embed.embedder import Embedder
from lingon.tasks.masked_language_model.masked_language_model import MaskedLanguageModel
from lingon.tasks.model_options import refuse_unused
from lingon.tasks.pretrained import Pretrained, model_name
from lingon.tasks.tuning_options import refuse_fresh, require_tuning

if TYPE_CHECKING:
    from lingon.tasks.masked_language_model.settings import Settings


def started(settings: "Settings", pretrained: Pretrained) -> "Settings":
    """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
    encoder: Any = encoder_of(pretrained.task)
    if encoder is None or not hasattr(encoder, "blocks"):
        raise pretrained.error("an encoder of blocks, such as minilm-l6")
    refuse_fresh(settings, pretrained)
    require_tuning(settings, ("full", "lora"), "but all of an encoder is pretrained")
    for name in ("head_lr", "dropout"):
        if getattr(settings, name) is not None:
            flag = name.replace("_", "-")
            raise UserError(
                f"--{flag} is {getattr(settings, name)}, which pretraining from weights does not use; leave it out"
            )
    given, most = settings.context_length, encoder.context_length
    if given is not None and given > most:
        raise UserError(f"--context-length is {given:,}, but {pretrained.name} reads {most:,} tokens at most")
    found = replace(settings, model=model_name(encoder), context_length=given or min(128, most))
    refuse_unused(found)
    return found


def encoder_of(task: object) -> nn.Module | None:
    """Return the encoder of a loaded task; None where it has none."""
    if isinstance(task, Embedder):
        return task.model
    return task.encoder if isinstance(task, MaskedLanguageModel) else None
