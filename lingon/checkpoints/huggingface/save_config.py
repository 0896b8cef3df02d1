"""Makes the `config.json` in the Hugging Face layout for a model of ours."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import nn

from lingon.core.errors import UserError
from lingon.models.hub_families import FAMILIES, families_for
from lingon.models.hub_weights import HubWeight
from lingon.models.registry import entry_of_model

ToConfig = Callable[[Any], dict[str, Any]]
ToWeights = Callable[[Any], Iterable[HubWeight]]


def hub_config(model: nn.Module) -> dict[str, Any]:
    """Return the `config.json` of a model, whether it is of a published family or of ours."""
    to_config, _ = _layout_of(model)
    configured: Any = model  # every model of ours has config()
    found = dict(configured.config())
    if "model_type" not in found:
        found = to_config(model)
    return found | {"architectures": [FAMILIES[found["model_type"]].hub_class]}


def generates(config: Mapping[str, Any]) -> bool:
    """Return whether the model of a config.json generates text, so that generation settings are saved with it."""
    return config["model_type"] in [*families_for("causal"), *families_for("seq2seq")]


def hub_weights(model: nn.Module) -> list[HubWeight]:
    """Return for each weight of a model the tensors in the file. A tied output matrix is not stored."""
    _, to_weights = _layout_of(model)
    return list(to_weights(model))


def _layout_of(model: nn.Module) -> tuple[ToConfig, ToWeights]:
    """Return the functions that write a model in this layout."""
    entry = entry_of_model(model)
    if entry is None or entry.hub_config is None or entry.hub_weights is None:
        raise UserError(
            f"{type(model).__name__} cannot be saved in this layout; models that can are gpt, decoder and those "
            "that were loaded from it; keep others as bundles (lingon.checkpoints.bundle.save_bundle)"
        )
    return entry.hub_config, entry.hub_weights
