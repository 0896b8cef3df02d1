"""A model by name and sizes, checked before memory is taken: the way from config.json back to a model."""

import inspect
import math
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch
from torch import nn

from lingon.core.errors import UserError, unknown

# Where each model lives. Names in files are looked up here and nowhere else.
MODELS = {
    "ngrams": ("lingon.models.ngrams", "NGrams"),
    "bag": ("lingon.models.bag", "Bag"),
    "textcnn": ("lingon.models.textcnn", "TextCNN"),
    "bilstm": ("lingon.models.bilstm", "BiLSTM"),
    "self_attentive": ("lingon.models.self_attentive", "SelfAttentive"),
}
LARGEST = 1 << 31  # numbers in a model, without a `limit`: 8 GiB in float32
LONGEST = 4096  # no size of ours is larger, but for the vocabulary and what is hashed
LARGE = {"vocab_size": 1 << 24, "buckets": 1 << 24, "characters": 1 << 26}


def build(name: str, config: Mapping[str, Any], limit: int | None = None) -> nn.Module:
    """The model of that name with fresh weights.

    config: the arguments of its constructor, as its `config()` gives them. limit: the most numbers its weights may hold,
    as when they are to be read from a file that has so many. Raises UserError that names the model, key or value.
    """
    if name not in MODELS:
        raise unknown("model", name, MODELS)
    module, kind = MODELS[name]
    make = getattr(import_module(module), kind)
    known = inspect.signature(make).parameters
    for key, value in config.items():
        if key not in known:
            raise unknown(f"key of {name}", key, known)
        _check(name, key, value, known[key].annotation)
    for key, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and key not in config:
            raise UserError(f"{name}: key {key!r} is missing")
    with torch.device("meta"):  # shapes alone, no memory
        numbers = sum(math.prod(t.shape) for t in make(**config).state_dict().values())
    if numbers > (LARGEST if limit is None else limit):
        most = f"{LARGEST:,}" if limit is None else f"{limit:,}, which its weights file has"
        raise UserError(f"{name}: these sizes make {numbers:,} numbers; at most {most}")
    return make(**config)


def _check(name: str, key: str, value: Any, annotation: Any) -> None:
    def refuse(expected: str) -> None:
        raise UserError(f"{name}: key {key!r} is {str(value)[:40]!r}, expected {expected}")

    text = str(annotation)
    if annotation is bool:
        if not isinstance(value, bool):
            refuse("true or false")
    elif annotation is int:
        most = LARGE.get(key, LONGEST)
        least = 0 if key == "characters" else 1
        if type(value) is not int or not least <= value <= most:
            refuse(f"a whole number from {least} to {most:,}")
    elif annotation is float:
        most = 1 if "dropout" in key else 1e6
        if type(value) not in (int, float) or not 0 <= value <= most or value == 1 == most:
            refuse(f"a number from 0 to {most:g}")
    elif "Sequence[int]" in text:
        if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= 16:
            refuse("a list of 1 to 16 whole numbers")
        if not all(type(n) is int and 1 <= n <= 100 for n in value):
            refuse("a list of whole numbers from 1 to 100")
    else:
        raise AssertionError(f"{name}: no check for {key}: {annotation}")
