"""Loads published encoder-decoders in the Hugging Face layout: T5, BART, Marian and related models."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lingon.checkpoints.huggingface.save_config import hub_weights
from lingon.checkpoints.huggingface.source_folder import folder_of
from lingon.checkpoints.huggingface.weight_files import read_weights, same_weights, weight_files, weight_shapes
from lingon.checkpoints.huggingface.weight_plan import OUTPUT, Shapes, plan_weights, renamed
from lingon.core.errors import DataError, UserError
from lingon.core.files import read_json
from lingon.models.from_config import from_config
from lingon.models.hub_weights import HubWeight

CONFIG_LIMIT = 4 << 20  # bytes
PREFIX = "model."  # missing in a checkpoint of the body alone
# Tensors that are not weights: positions that follow from the configuration, and a bias that T5 never reads.
NO_WEIGHTS = re.compile(
    r"(^|\.)(encoder|decoder)\.version$|layer\.1\.EncDecAttention\.relative_attention_bias\.weight$"
)
BIAS = "output_bias"  # our weight that may be missing in a file; it is zero then
FIXED_POSITIONS = re.compile(r"\.embed_positions\.weights?$")
SHARED = re.compile(r"^(model\.)?((encoder|decoder)\.embed_tokens|shared)\.weight$")  # names of one and the same


@dataclass(frozen=True)
class PublishedSeq2Seq:
    """An encoder-decoder as it was published. config: its config.json. source: its folder."""

    model: Any
    config: Mapping[str, Any]
    source: Path


def load_seq2seq(source: str | Path, dtype: torch.dtype = torch.float32) -> PublishedSeq2Seq:
    """Load an encoder-decoder, from a folder or by a name such as "hf:owner/name", which is fetched first.

    dtype: of the weights in memory. Raises UserError or DataError naming file, key or tensor when anything is missing,
    superfluous, of another shape, or holds NaN or infinite numbers; nothing is trusted unchecked.
    """
    folder = folder_of(source)
    config = read_json(folder / "config.json", limit=CONFIG_LIMIT)
    files = weight_files(folder)
    shapes = weight_shapes(folder, files)
    model = _tied_as_in_file(folder, files, shapes, config)
    plan = _plan(folder, config, model, shapes)
    tensors = dict(read_weights(folder, files, plan, dtype))
    for name, own in model.named_parameters():  # shared ones only once
        if name not in tensors:
            assert name == BIAS, name
            tensors[name] = torch.zeros(own.shape, dtype=dtype)
    tied = _is_tied(model)
    model.load_state_dict(tensors, assign=True, strict=False)
    if tied:
        model.output.weight = model.embedding.weight
    return PublishedSeq2Seq(model.eval(), config, folder)


def _model_of(folder: Path, config: Any, **changes: Any) -> Any:
    """Return the model on the meta device; shapes are compared before a tensor is read."""
    try:
        return from_config({**config, **changes} if isinstance(config, dict) else config, device="meta", role="seq2seq")
    except UserError as error:
        raise DataError(f"{folder / 'config.json'}: {error}") from None


def _is_tied(model: Any) -> bool:
    return model.output.weight is model.embedding.weight


def _tied_as_in_file(folder: Path, files: list[str], shapes: Shapes, config: Any) -> Any:
    """Return the model, whose output matrix is separate if the file has one, whatever config.json says.

    As in transformers, the weights count.
    """
    model = _model_of(folder, config)
    own = OUTPUT in shapes
    if own and _is_tied(model):
        embedding = next(e.theirs[0] for e in _wanted(model, shapes) if e.ours == "embedding.weight")
        own = shapes.get(embedding) != shapes[OUTPUT] or not same_weights(folder, files, OUTPUT, embedding)
        if own:
            said = (
                f"{folder}: {OUTPUT} differs from the embedding, so weights are not tied, although config.json says so"
            )
            warnings.warn(said, stacklevel=4)
    if own is not _is_tied(model):
        return model
    return _model_of(folder, config, **{model.tie_key: own is False})


def _wanted(model: nn.Module, shapes: Shapes) -> list[HubWeight]:
    """Return the weights by their names in a file: a body alone has no prefix; a shared embedding has any name."""
    wanted = hub_weights(model)
    names = [name for entry in wanted for name in entry.theirs if name.startswith(PREFIX)]
    bare = bool(names) and not any(name in shapes for name in names)

    def rename(name: str) -> str:
        name = name.removeprefix(PREFIX) if bare else name
        if name in shapes or not name.endswith("shared.weight"):
            return name
        body = name.removesuffix("shared.weight")
        others = f"{body}encoder.embed_tokens.weight", f"{body}decoder.embed_tokens.weight"
        return next((other for other in (*others, OUTPUT) if other in shapes), name)

    return [entry for entry in renamed(wanted, rename) if entry.ours != BIAS or entry.theirs[0] in shapes]


def _plan(folder: Path, config: Mapping[str, Any], model: nn.Module, shapes: Shapes) -> dict[str, HubWeight]:
    wanted = _wanted(model, shapes)
    shared = any(name.endswith("shared.weight") for entry in hub_weights(model) for name in entry.theirs)
    learned = any(FIXED_POSITIONS.search(name) for entry in wanted for name in entry.theirs)

    def no_weight(name: str) -> bool:
        fixed = not learned and bool(FIXED_POSITIONS.search(name))
        again = shared and (bool(SHARED.search(name)) or (name == OUTPUT and _is_tied(model)))
        return bool(NO_WEIGHTS.search(name)) or fixed or again

    return plan_weights(folder, config, model, wanted, shapes, no_weight)
