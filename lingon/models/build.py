"""A model by name and sizes, checked before memory is taken: the way from config.json back to a model."""

import inspect
import math
from collections.abc import Mapping, Sequence
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
    "lstm": ("lingon.models.lstm", "LSTM"),
    "awd_lstm": ("lingon.models.awd_lstm", "AWDLSTM"),
    "self_attentive": ("lingon.models.self_attentive", "SelfAttentive"),
    "gpt": ("lingon.models.gpt", "GPT"),
    "decoder": ("lingon.models.decoder", "decoder"),
}
# Published families, which have the keys of their own config.json; see lingon.models.families.
FAMILIES = ("gpt2", "llama", "mistral", "qwen2", "qwen3", "gemma2", "gemma3_text")
LARGEST = 1 << 31  # numbers in a model, without a `limit`: 8 GiB in float32
USUAL = (1, 4096)
# The least and the most that a whole number may be, where that is not the usual.
WHOLE = {
    "vocab_size": (1, 1 << 24),
    "classes": (2, 1 << 16),
    "depth": (1, 64),
    "hops": (1, 256),
    "order": (1, 9),
    "buckets": (1, 1 << 24),
    "characters": (0, 1 << 26),
    "heads": (1, 256),
    "kv_heads": (1, 256),
    "context": (1, 1 << 20),
    "inner": (0, 1 << 16),
    "window": (0, 1 << 20),
    "cutoffs": (1, 1 << 24),
}


def build(name: object, config: object, limit: int | None = None) -> nn.Module:
    """The model of that name with fresh weights.

    Both may come from a file, so nothing is believed of them. name: one of MODELS. config: a mapping, the arguments of
    the constructor as `config()` of the model gives them. limit: the most numbers its weights may hold, as when they
    are to be read from a file that has so many. Raises UserError that names the model, key or value.
    """
    if isinstance(name, str) and name in FAMILIES:
        return _of_family(name, config, limit)
    if not isinstance(name, str) or name not in MODELS:
        raise unknown("model", name, [*MODELS, *FAMILIES])
    if not isinstance(config, Mapping):
        raise UserError(f"{name}: the sizes are {str(config)[:40]!r}, expected names with values")
    module, kind = MODELS[name]
    make = getattr(import_module(module), kind)
    known = inspect.signature(make).parameters
    sizes = {}
    for key, value in config.items():
        if key not in known:
            raise unknown(f"key of {name}", key, known)
        expected = _expected(key, known[key].annotation, value)
        if expected:
            raise UserError(f"{name}: key {key!r} is {str(value)[:40]!r}, expected {expected}")
        sizes[key] = float(value) if known[key].annotation is float else value  # 0 is a share too
    for key, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and key not in sizes:
            raise UserError(f"{name}: key {key!r} is missing")
    with torch.device("meta"):  # shapes alone, no memory
        numbers = sum(math.prod(t.shape) for t in make(**sizes).state_dict().values())
    if numbers > (LARGEST if limit is None else limit):
        most = f"{LARGEST:,}" if limit is None else f"{limit:,}, which its weights file has"
        raise UserError(f"{name}: these sizes make {numbers:,} numbers; at most {most}")
    return make(**sizes)


def _of_family(name: str, config: object, limit: int | None) -> nn.Module:
    from lingon.models.families import from_config

    if isinstance(config, Mapping):
        config = {**config, "model_type": name}
    return from_config(config, LARGEST if limit is None else limit)


def _expected(key: str, annotation: Any, value: Any) -> str | None:
    """What was expected of the value, or None when it is that."""
    if annotation is bool:
        return None if isinstance(value, bool) else "true or false"
    if annotation is int:
        least, most = WHOLE.get(key, USUAL)
        return None if _whole(value, least, most) else f"a whole number from {least} to {most:,}"
    if annotation is float and "drop" in key:
        return None if _number(value) and 0 <= value < 1 else "a share from 0 up to, not including, 1"
    if annotation is float:
        return None if _number(value) and 0 <= value <= 1e6 else "a number from 0 to 1,000,000"
    if annotation == Sequence[int]:
        least, most = WHOLE.get(key, (1, 100))
        fits = isinstance(value, list | tuple) and 1 <= len(value) <= 16 and all(_whole(n, least, most) for n in value)
        return None if fits else f"a list of 1 to 16 whole numbers from {least} to {most:,}"
    raise AssertionError(f"no check for {key}: {annotation}")


def _whole(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most  # True is an int too, but not of this type


def _number(value: Any) -> bool:
    return type(value) in (int, float)
