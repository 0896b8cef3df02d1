"""The encoder inside another model: a BERT with fresh weights, or one given by a configuration."""

from collections.abc import Mapping
from typing import Any

from lingon.core.errors import UserError
from lingon.models.registry import build, name_of


def description_of(encoder: Any) -> dict[str, Any]:
    """Return the JSON object from which `described_encoder` makes the encoder again."""
    return {"model": name_of(encoder), "config": encoder.config()}


def described_encoder(model: str, described: Mapping[str, Any] | None, sizes: Mapping[str, Any]) -> Any:
    """Return the encoder given as {"model": its name in the registry, "config": its configuration}; else a BERT.

    model: the name of the enclosing model, for messages. sizes: of the BERT, by name. Raises UserError, naming the key,
    for an invalid configuration, and for a model that is not an encoder.
    """
    found: dict[str, Any] = {"model": "bert", "config": sizes} if described is None else dict(described)
    if found.keys() != {"model", "config"}:
        raise UserError(f"{model}: key 'encoder' has {list(found)[:5]}, expected model and config")
    made = build(found["model"], found["config"])
    if not hasattr(made, "width"):
        raise UserError(f"{model}: the model {found['model']!r} is not an encoder")
    return made
