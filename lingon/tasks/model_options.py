"""From settings to the options of a model: what the model has is passed on, what it has not is refused by name."""

import json
from collections.abc import Container
from dataclasses import fields
from typing import Any

from lingon.core.errors import UserError
from lingon.engine.training_parts import OPTIMIZERS
from lingon.models.registry import DataStats, ModelEntry, get_entry

OF_MODELS = ("width", "depth", "context_length", "dropout")  # settings that are options of some models
FROM_TEXTS = (
    "vocab_size",
    "classes",
    "tags",
    "labels",
    "padding_idx",
)  # options that follow from the texts and their tokenizer
FROM_IMAGES = ("image_height", "image_width", "channels")  # options of models of images that follow from these
# Settings of gradient descent.
OF_GRADIENTS = (
    "lr",
    "schedule",
    "warmup",
    "max_grad_norm",
    "accumulation_steps",
    "patience",
    "weight_average",
    "evals",
    "layer_lr_decay",
    "head_lr",
)
READ_BY_BATCHES = ("context_length",)  # settings that count for the batches too, whatever the model


def model_options(settings: Any, facts: DataStats, **more: Any) -> dict[str, Any]:
    """Return the options of the model that the settings name.

    settings: of a classifier or a language model, filled in. more: options that follow from the task, such as classes.
    Raises UserError for a size that is not written like name=value.
    """
    entry = get_entry(settings.model)
    options = {"vocab_size": facts.vocab_size, **more}
    if "padding_idx" in entry.options:
        options["padding_idx"] = -1 if facts.padding_idx is None else facts.padding_idx
    for name in OF_MODELS:
        if name in entry.options and getattr(settings, name, None) is not None:
            options[name] = getattr(settings, name)
    if entry.derive:
        options |= entry.derive(facts, options)
    return options | parse_sizes(settings.set or [])


def gradient_settings(settings: Any) -> list[str]:
    """Return the settings of gradient descent that are given, which a layer that goes to its optimum does not have."""
    others = ("epochs", "steps", "batch_size", "dropout", "optimizer", "weight_decay", "refit", "precision")
    return [
        name
        for name in (*OF_GRADIENTS, *others)
        if getattr(settings, name) != settings.__dataclass_fields__[name].default
    ]


def refuse_unused(settings: Any) -> None:
    """Raise UserError for a setting that was given and that the chosen model or its optimizer does not use."""
    entry = get_entry(settings.model)
    for name in OF_MODELS:
        given = getattr(settings, name, None)
        if given is not None and name not in entry.options and name not in READ_BY_BATCHES:
            raise _unused(settings, name, given, entry)
    _refuse_unused_by_optimizer(settings, entry)
    if not entry.autocast and settings.precision != "float32":
        raise _unused(settings, "precision", settings.precision, entry)
    if getattr(settings, "freeze", False) and settings.vectors is None:
        raise UserError("--freeze keeps pretrained vectors as they are, and there are none; give --vectors too")


def _refuse_unused_by_optimizer(settings: Any, entry: ModelEntry) -> None:
    name = settings.optimizer or entry.optimizer
    row, usual = OPTIMIZERS[name], OPTIMIZERS[entry.optimizer]
    if usual.sparse and not row.sparse:
        raise UserError(
            f"--optimizer is {name}, which takes no sparse gradient, as --model {settings.model} has; "
            f"leave it out, or choose {' or '.join(name for name, row in OPTIMIZERS.items() if row.sparse)}"
        )
    if not row.gradient and usual.gradient:
        raise UserError(f"--optimizer is {name}, which is for linear models; --model {settings.model} is none")
    known = {option for row in OPTIMIZERS.values() for option in row.options}
    for field in fields(settings):
        given = getattr(settings, field.name)
        unused = field.name in known - set(row.options) or (not row.gradient and field.name in OF_GRADIENTS)
        if unused and given != field.default:
            used = [name for name, row in OPTIMIZERS.items() if field.name in row.options] or ["row_adagrad"]
            flag = f"--{field.name.replace('_', '-')} is {given}"
            way = f"leave it out, or choose --optimizer {' or '.join(used)}"
            raise UserError(f"{flag}, which --optimizer {name} does not have: {way}")


def _unused(settings: Any, name: str, value: Any, entry: ModelEntry) -> UserError:
    flag = name.replace("_", "-")
    own = [option for option in entry.options if option not in FROM_TEXTS]
    way = entry.instead.get(name, f"leave it out; --set changes {', '.join(own)}")
    return UserError(f"--{flag} is {value}, which --model {settings.model} does not have: {way}")


def parse_sizes(given: list[str], from_data: Container[str] = ()) -> dict[str, Any]:
    """Return sizes written as name=value, the value as JSON writes it; the model checks what they may be.

    from_data: names that are not to be set, beside those that follow from texts.

    >>> parse_sizes(["depth=2", "multichannel=true", "kernels=[2,3]"])
    {'depth': 2, 'multichannel': True, 'kernels': [2, 3]}
    """
    sizes = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name.strip() in ("", *FROM_TEXTS) or name.strip() in from_data:
            raise UserError(f"--set {text!r} is not of the form NAME=VALUE, such as depth=2")
        try:
            sizes[name.strip()] = json.loads(value)
        except ValueError:
            raise UserError(f"--set {text!r}: {value!r} is not a number, a list, true or false") from None
    return sizes
