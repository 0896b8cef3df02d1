"""A translator's training that starts from pretrained weights: a published encoder-decoder, or a bundle of ours."""

from dataclasses import replace
from typing import TYPE_CHECKING

from lingon.core.errors import UserError
from lingon.layers.lora import add_lora
from lingon.tasks.model_options import refuse_unused
from lingon.tasks.pretrained import Pretrained, model_name, rebuilt
from lingon.tasks.translate.translator import Translator
from lingon.tasks.tuning import lora_of
from lingon.tasks.tuning_options import refuse_dropout, refuse_fresh, refuse_head_lr

if TYPE_CHECKING:
    from lingon.tasks.translate.settings import Settings


def started(settings: "Settings", pretrained: Pretrained) -> "Settings":
    """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
    task = pretrained.task
    if not isinstance(task, Translator):
        raise pretrained.error("a translator, such as a bundle of one or a checkpoint of Marian, BART or T5")
    refuse_fresh(settings, pretrained)
    if settings.vocabularies != "shared":
        brings = "brings its tokenizers; leave it out"
        raise UserError(f"--vocabularies is {settings.vocabularies}, but --from {pretrained.name} {brings}")
    refuse_head_lr(settings, "a translator")
    most = min(task.model.context_length, task.model.source_length)
    if settings.context_length is not None and settings.context_length > most:
        said = f"--context-length is {settings.context_length:,}, but {pretrained.name} takes {most:,} tokens at most"
        raise UserError(said)
    refuse_dropout(settings, pretrained, task.model)
    found = replace(settings, model=model_name(task.model))
    refuse_unused(found)
    return found


def started_translator(source: Translator, settings: "Settings") -> Translator:
    """Return a translator with the weights of a loaded one, ready to be trained as the settings say."""
    model = source.model
    if settings.dropout is not None:
        model, _ = rebuilt(model, dropout=settings.dropout)
    model.requires_grad_(True)
    if settings.tuning == "lora":
        add_lora(model, lora_of(settings))
    ids = source.prefix_ids, source.suppressed_ids
    return Translator(model, source.source, source.target, *ids, source.generation)
