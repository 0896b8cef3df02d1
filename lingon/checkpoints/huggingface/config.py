"""The `config.json` of the Hugging Face layout that says what a model of ours is."""

from collections.abc import Iterable
from typing import Any

from torch import nn

from lingon.core.errors import UserError
from lingon.models.families import FAMILIES
from lingon.models.hub_weights import HubWeight
from lingon.models.registry import ModelEntry, entry_of_model


def hub_config(model: nn.Module) -> dict[str, Any]:
    """Return the `config.json` of a model, whatever it was made from."""
    entry = _entry_of(model)
    found = dict(model.config())
    if "model_type" not in found:
        found = entry.hub_config(model)
    return found | {"architectures": [ARCHITECTURES[found["model_type"]]]}


def hub_weights(model: nn.Module) -> list[HubWeight]:
    """Return for each weight of a model where it comes from. A tied output matrix is not stored."""
    found: Iterable[HubWeight] = _entry_of(model).hub_weights(model)
    return list(found)


def _entry_of(model: nn.Module) -> ModelEntry:
    entry = entry_of_model(model)
    if entry is None or entry.hub_config is None or entry.hub_weights is None:
        raise UserError(
            f"{type(model).__name__} has no place in this layout; models that have one are gpt, decoder and those "
            "that were loaded from it; keep others as bundles (lingon.checkpoints.bundle.save_bundle)"
        )
    return entry


ARCHITECTURES = {
    "gpt2": "GPT2LMHeadModel",
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3_text": "Gemma3ForCausalLM",
}
assert ARCHITECTURES.keys() == FAMILIES.keys()
