"""A tagger's training from pretrained weights: an encoder gets a head, a tagger of ours keeps its own or gets one."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import nn

from lingon.core.errors import UserError
from lingon.engine.world import world
from lingon.models.encoder_tagger import EncoderTagger
from lingon.models.registry import build
from lingon.tasks.model_options import refuse_unused
from lingon.tasks.pretrained import Pretrained, encoder_in, model_name, rebuilt
from lingon.tasks.tag.tagger import Tagger
from lingon.tasks.tuning import apply_tuning, set_dropout
from lingon.tasks.tuning_options import refuse_fresh, require_tuning

if TYPE_CHECKING:
    from lingon.tasks.tag.settings import Settings

ENCODER = "encoder_tagger"  # the model of a head on an encoder, in the registry
HEADS = ("head.", "label_output.")  # names of the weights of a tagger that are of its tags and labels
CHANNELS = 64  # filters over the characters of a word
WINDOW = 512  # tokens that are read at once, where the encoder could read more: attention costs their square


def started(settings: "Settings", pretrained: Pretrained) -> "Settings":
    """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
    task = pretrained.task
    encoder: Any = encoder_in(task)
    if encoder is None and not isinstance(task, Tagger):
        raise pretrained.error("a tagger, or an encoder such as minilm-l6")
    refuse_fresh(settings, pretrained)
    name = ENCODER if encoder is not None else model_name(task.model)
    if encoder is None:
        require_tuning(settings, ("full",), f"but {pretrained.name} is not a head on an encoder")
        of_encoders = {"--head-lr": settings.head_lr, "--max-length": settings.max_length}
        of_encoders["--characters"] = settings.characters
        for flag, given in of_encoders.items():
            if given is not None:
                raise UserError(f"{flag} is {given}, but {pretrained.name} is not a head on an encoder")
    most, given = getattr(encoder, "context_length", None), settings.max_length
    if most is not None and given is not None and given > most:
        raise UserError(f"--max-length is {given:,}, but {pretrained.name} reads {most:,} tokens at most")
    own = getattr(task.model, "max_length", None) or min(WINDOW, most or WINDOW)
    found = replace(settings, model=name, max_length=None if encoder is None else given or own)
    refuse_unused(found)
    return found


def started_tagger(source: Any, tags: Sequence[str], labels: Sequence[str], settings: "Settings", name: str) -> Tagger:
    """Return a tagger with the weights of a loaded task, ready to be trained as the settings say.

    A tagger with these tags and labels, or more, keeps its head; anything else gets a new one, which is reported of a
    tagger. name: of the weights, for the message.
    """
    if isinstance(source, Tagger) and _keeps(source, tags, labels, settings):
        model, tags, labels = source.model, source.tags, source.labels
    else:
        model = _with_new_head(source, tags, labels, settings)
        if isinstance(source, Tagger) and world().rank == 0:
            shown = ", ".join(source.tags[:3])
            print(f"the tags differ from those of {name} ({shown}, ...): the head is initialized anew", file=sys.stderr)
    if isinstance(model, EncoderTagger):
        set_dropout(model, settings.dropout)
        model.max_length = settings.max_length or model.max_length
    elif settings.dropout is not None:
        model = rebuilt(model, dropout=settings.dropout)[0]
    return Tagger(apply_tuning(model, settings), source.tokenizer, tags, labels)


def _keeps(source: Tagger, tags: Sequence[str], labels: Sequence[str], settings: "Settings") -> bool:
    if settings.characters is not None and settings.characters != (source.model.characters is not None):
        return False
    same = set(tags) <= set(source.tags) and set(labels) <= set(source.labels) and bool(labels) == bool(source.labels)
    return same and bool(settings.crf) == (source.model.head.crf is not None)


def _with_new_head(source: Any, tags: Sequence[str], labels: Sequence[str], settings: "Settings") -> nn.Module:
    encoder = encoder_in(source)
    if encoder is None:  # a tagger of another kind: all but its head is kept
        config = {**source.model.config(), "tags": len(tags), "labels": len(labels), "crf": bool(settings.crf)}
        fresh = build(model_name(source.model), config)
        own = source.model.state_dict()
        kept = {key: own[key] for key in own if not key.startswith(HEADS)}
        fresh.load_state_dict({**fresh.state_dict(), **kept})
        return fresh
    pooling = getattr(source, "pooling", getattr(source.model, "pooling", "mean"))
    blind = source.tokenizer.encode("Paris") == source.tokenizer.encode("paris")
    channels = CHANNELS if (blind if settings.characters is None else settings.characters) else 0
    sizes = {"max_length": settings.max_length or WINDOW, "channels": channels}
    return EncoderTagger(encoder, len(tags), len(labels), bool(settings.crf), pooling, **sizes)
