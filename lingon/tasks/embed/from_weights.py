"""An encoder's training from pretrained weights: published ones, a bundle, or the encoder inside another task."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lingon.core.errors import UserError
from lingon.tasks.embed.embedder import Embedder
from lingon.tasks.model_options import refuse_unused
from lingon.tasks.pretrained import Pretrained
from lingon.tasks.tuning_options import refuse_fresh, require_tuning

if TYPE_CHECKING:
    from lingon.tasks.embed.settings import Settings


def started(settings: "Settings", pretrained: Pretrained) -> "Settings":
    """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
    embedder = embedder_of(pretrained.task)
    if embedder is None:
        raise pretrained.error("an encoder, such as minilm-l6, or a model with an encoder in it")
    refuse_fresh(settings, pretrained)
    require_tuning(settings, ("full", "lora"), "but there is no head here, and all of an encoder learns")
    if settings.head_lr is not None:
        raise UserError(f"--head-lr is {settings.head_lr}, but an encoder of texts has no head; leave it out")
    most, given = embedder.max_length, settings.max_length
    room = getattr(embedder.model, "context_length", None)
    if room is not None and given is not None and given > room:
        raise UserError(f"--max-length is {given:,}, but {pretrained.name} reads {room:,} tokens at most")
    if (widths := settings.widths()) and widths[0] > embedder.width:
        raise UserError(
            f"--matryoshka-dims has {widths[0]}, but the vectors of {pretrained.name} have {embedder.width} numbers"
        )
    found = replace(settings, max_length=given or most, pooling=settings.pooling or embedder.pooling)
    refuse_unused(found)
    return found


def embedder_of(task: Any) -> Embedder | None:
    """Return the encoder of a loaded task as an `Embedder`; None where it has none.

    Of a model with a head on an encoder, and of a masked language model, it is the encoder inside, with its pooling.
    """
    if isinstance(task, Embedder):
        return task
    model = getattr(task, "model", None)
    encoder: Any = getattr(model, "encoder", None)
    if encoder is None or not hasattr(encoder, "width") or not hasattr(task, "tokenizer"):
        return None
    return Embedder(
        encoder, task.tokenizer, getattr(model, "pooling", "mean"), False, getattr(task, "max_length", None)
    )
