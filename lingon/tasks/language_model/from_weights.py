"""A language model's training that starts from pretrained weights: a published decoder, or a bundle of ours."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import nn

from lingon.core.errors import UserError
from lingon.models.registry import get_entry
from lingon.tasks.chat.chat_model import language_model_in
from lingon.tasks.language_model.language_model import LanguageModel
from lingon.tasks.language_model.prologue import context_length
from lingon.tasks.model_options import refuse_unused
from lingon.tasks.pretrained import Pretrained, model_name, rebuilt
from lingon.tasks.settings import TrainSettings
from lingon.tasks.tuning import apply_tuning
from lingon.tasks.tuning_options import refuse_fresh, refuse_head_lr, require_tuning

if TYPE_CHECKING:
    from lingon.tasks.language_model.settings import Settings

TUNED = ("full", "lora")
PUBLISHED_LR, SLOWER = 5e-5, 0.25  # a trained model needs smaller steps than a fresh one
DROPOUTS = ("dropout", "resid_pdrop")  # what configurations call the dropout of all layers


def started(settings: "Settings", pretrained: Pretrained) -> "Settings":
    """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
    language = language_model_in(pretrained.task)
    if language is None:
        raise pretrained.error("a language model, such as a bundle of one or a checkpoint of GPT-2")
    refuse_fresh(settings, pretrained)
    require_tuning(settings, TUNED, "which is for an encoder with a head")
    refuse_head_lr(settings, "a language model")
    if settings.softmax == "adaptive":
        raise UserError("--softmax is adaptive, which is a part of the model; it comes with --from where it has one")
    model, given = language.model, settings.context_length
    most = context_length(model)
    if most is not None and given is not None and given > most:
        raise UserError(f"--context-length is {given:,}, but {pretrained.name} sees {most:,} tokens at most")
    if settings.dropout is not None and _dropout_of(model) is None:
        raise UserError(f"--dropout is {settings.dropout}, but {pretrained.name} has none; leave it out")
    found = replace(settings, model=model_name(model))
    refuse_unused(found)
    usual = get_entry(found.model).defaults.get("context_length")
    length = given if given is not None or usual is None or most is None else min(usual, most)
    return replace(found, context_length=length, lr=settings.lr or learning_rate(model))


def started_model(source: LanguageModel, settings: TrainSettings) -> nn.Module:
    """Return the model of a loaded task, ready to be trained as the settings say."""
    model = source.model
    if settings.dropout is not None and (name := _dropout_of(model)):
        model, _ = rebuilt(model, **{name: settings.dropout})
    return apply_tuning(model, settings)


def learning_rate(model: Any) -> float:
    """Return the peak learning rate that suits a trained model."""
    if "model_type" in model.config():
        return PUBLISHED_LR
    return SLOWER * float(get_entry(model_name(model)).defaults.get("lr", 4 * PUBLISHED_LR))


def _dropout_of(model: Any) -> str | None:
    """Return what the configuration of a model calls its dropout; None where it has none."""
    known = model.config()
    if known.get("model_type") == "gpt2":  # whose config.json may leave it out
        return "resid_pdrop"
    return next((name for name in DROPOUTS if name in known), None)
