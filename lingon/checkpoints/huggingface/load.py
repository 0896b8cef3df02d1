"""Loads checkpoints in the Hugging Face layout: a folder of safetensors and JSON, or its name on the hub."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lingon.checkpoints.huggingface.chat_template import read_chat_template
from lingon.checkpoints.huggingface.save_config import hub_weights
from lingon.checkpoints.huggingface.source_folder import folder_of
from lingon.checkpoints.huggingface.weight_files import read_weights, same_weights, weight_files, weight_shapes
from lingon.checkpoints.huggingface.weight_plan import OUTPUT, plan_weights, renamed
from lingon.checkpoints.published_model import Checkpoint
from lingon.core.errors import DataError, UserError, one_of
from lingon.core.files import read_json
from lingon.data.tokenizers.huggingface import read_tokenizer
from lingon.decoding.generation_settings import asked_of_language_models
from lingon.models.from_config import from_config
from lingon.models.hub_weights import HubWeight

CONFIG_LIMIT = 4 << 20  # bytes
# Tensors of older checkpoints that are not weights: masks, and frequencies that follow from the configuration.
NO_WEIGHTS = re.compile(r"\.attn\.(masked_)?bias$|\.rotary_emb\.inv_freq$")
PREFIXES = ("transformer.", "model.")


def load_hub(source: str | Path, dtype: torch.dtype = torch.float32) -> Checkpoint:
    """Return a model with its tokenizer, from a folder or by a name such as "hf:owner/name", which is fetched first.

    dtype: of the weights in memory. Raises UserError or DataError naming file, key or tensor if anything is missing,
    superfluous, of another shape, or holds NaN or infinite numbers; nothing is trusted unchecked.
    """
    folder = folder_of(source)
    config = read_json(folder / "config.json", limit=CONFIG_LIMIT)
    files = weight_files(folder)
    shapes = weight_shapes(folder, files)
    try:
        model: Any = from_config(
            config, device="meta", role="causal"
        )  # no memory; tensors are compared before one is read
    except UserError as error:
        raise DataError(f"{folder / 'config.json'}: {error}") from None
    plan = _plan(folder, config, model, shapes)
    tied = model.output.weight is model.embedding.weight
    if tied and OUTPUT in shapes and not same_weights(folder, files, OUTPUT, plan["embedding.weight"].theirs[0]):
        # As in transformers, the weights count, not the configuration.
        warnings.warn(
            f"{folder}: {OUTPUT} differs from the embedding, so weights are not tied, although config.json says so",
            stacklevel=2,
        )
        model, tied = from_config(config | {"tie_word_embeddings": False}, device="meta", role="causal"), False
        plan = _plan(folder, config, model, shapes)
    tensors = dict(read_weights(folder, files, plan, dtype))
    if tied:
        tensors["output.weight"] = tensors["embedding.weight"]
    model.load_state_dict(tensors, assign=True)
    if tied:
        model.output.weight = model.embedding.weight
    tokenizer = read_tokenizer(folder)
    rows = len(model.embedding.weight)
    if tokenizer is not None:
        tokenizer = tokenizer.for_vocab_size(rows, folder)
    generation = _generation_config(folder)
    if said := asked_of_language_models(generation):
        how = "have no effect unless you ask for them"
        warnings.warn(f"{folder}: the settings of its generation_config.json ({said}) {how}", stacklevel=2)
    ends = _eos_ids(folder, config, generation, rows)
    return Checkpoint(model.eval(), tokenizer, ends, folder, read_chat_template(folder))


def _plan(
    folder: Path, config: Mapping[str, Any], model: nn.Module, shapes: Mapping[str, tuple]
) -> dict[str, HubWeight]:
    wanted, prefix = hub_weights(model), _missing_prefix(hub_weights(model), shapes)
    tied = {OUTPUT} if all(entry.ours != "output.weight" for entry in wanted) else set()
    wanted = renamed(wanted, lambda name: name.removeprefix(prefix))
    return plan_weights(
        folder, config, model, wanted, shapes, lambda name: name in tied or bool(NO_WEIGHTS.search(name))
    )


def _missing_prefix(wanted: list[HubWeight], shapes: Mapping[str, tuple]) -> str:
    """Return "transformer." or "model." if a checkpoint of the body alone lacks this prefix."""
    name = wanted[0].theirs[0]
    return next((p for p in PREFIXES if name.startswith(p) and name not in shapes and name[len(p) :] in shapes), "")


def _generation_config(folder: Path) -> dict[str, Any]:
    path = folder / "generation_config.json"
    found = read_json(path, limit=CONFIG_LIMIT) if path.is_file() else {}
    return found if isinstance(found, dict) else {}


def _eos_ids(
    folder: Path, config: Mapping[str, Any], generation: Mapping[str, Any], vocab_size: int
) -> tuple[int, ...]:
    """Return the ids that end a text: those of generation_config.json, else of config.json."""
    ids: list[int] = []
    for found in (config.get("eos_token_id"), generation.get("eos_token_id")):
        ids = found if isinstance(found, list) else ids if found is None else [found]
        if not all(type(i) is int and i >= 0 for i in ids):
            raise DataError(f"{folder}: key 'eos_token_id' is {repr(found)[:40]}, expected ids")
    if beyond := [i for i in ids if i >= vocab_size]:
        warnings.warn(f"{folder}: the end token {one_of(map(str, beyond))} is not in the vocabulary", stacklevel=3)
    return tuple(i for i in ids if i < vocab_size)
