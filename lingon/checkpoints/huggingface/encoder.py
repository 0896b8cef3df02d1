"""Loads published encoders in the Hugging Face layout: BERT and similar models, without the head on top of them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lingon.checkpoints.huggingface.save_config import hub_weights
from lingon.checkpoints.huggingface.source_folder import folder_of
from lingon.checkpoints.huggingface.weight_files import read_weights, weight_files, weight_shapes
from lingon.checkpoints.huggingface.weight_plan import Shapes, plan_weights, renamed
from lingon.core.errors import DataError, UserError
from lingon.core.files import read_json
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.huggingface import read_encoder_tokenizer
from lingon.models.from_config import from_config
from lingon.models.hub_weights import HubWeight

CONFIG_LIMIT = 4 << 20  # bytes
# The buffers 0, 1, 2, ... of older checkpoints, and position embeddings of a DeBERTa that does not use them.
NO_WEIGHT = re.compile(r"\.position_ids$|\.token_type_ids$|^position_ids$|\bembeddings\.position_embeddings\.weight$")
OLD_NAMES = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}  # of the first checkpoints
FEWEST = 0.75  # minimum ratio of tokens to embedding rows: published models have a few unused rows


@dataclass(frozen=True)
class PublishedEncoder:
    """An encoder as it was published. source: its folder. tokenizer: None if the folder has none."""

    model: Any
    tokenizer: Tokenizer | None
    source: Path

    def require_tokenizer(self) -> Tokenizer:
        """Return the tokenizer. Raises DataError when there is none beside the weights."""
        if self.tokenizer is None:
            raise DataError(f"{self.source}: there is no tokenizer next to the weights (tokenizer.json or vocab.txt)")
        return self.tokenizer


def load_encoder(source: str | Path, dtype: torch.dtype = torch.float32) -> PublishedEncoder:
    """Load an encoder with its tokenizer, from a folder or by a name such as "hf:owner/name", which is fetched first.

    Tensors of a head (`cls.`, `classifier.`, `lm_head.`) and of the pooler are ignored, and so is the prefix of the
    encoder's names in such checkpoints (`bert.`). dtype: of the weights in memory. Raises UserError or DataError naming
    file, key or tensor for anything missing, unknown, of another shape, or not a number, and for a tokenizer of another
    model.
    """
    folder = folder_of(source)
    config = read_json(folder / "config.json", limit=CONFIG_LIMIT)
    files = weight_files(folder)
    shapes = weight_shapes(folder, files)
    try:
        model: Any = from_config(config, device="meta", role="encoder")  # no memory; shapes are checked before reading
    except UserError as error:
        raise DataError(f"{folder / 'config.json'}: {error}") from None
    wanted, is_other = as_in_file(hub_weights(model), shapes)
    plan = plan_weights(folder, config, model, wanted, shapes, is_other)
    model.load_state_dict(dict(read_weights(folder, files, plan, dtype)), assign=True)
    tokenizer = read_encoder_tokenizer(folder)
    if tokenizer is not None:
        tokenizer = checked_tokenizer(tokenizer, model, config.get("pad_token_id"), folder)
    return PublishedEncoder(model.eval(), tokenizer, folder)


def as_in_file(wanted: Iterable[HubWeight], shapes: Shapes) -> tuple[list[HubWeight], Callable[[str], bool]]:
    """Return the weights with the names of a file, and a test for tensors that are not part of the encoder.

    A checkpoint with a head has a prefix for the names of its encoder; the earliest named norm weights gamma and beta.
    """
    wanted = list(wanted)
    names = [name for entry in wanted for name in entry.theirs]
    prefix = _prefix(names, shapes)
    old = any(name.endswith("LayerNorm.gamma") for name in shapes)
    body = {f"{prefix}{name.split('.')[0]}." for name in names}  # such as "bert.embeddings." and "bert.encoder."

    def rename(name: str) -> str:
        for ours, theirs in OLD_NAMES.items() if old else ():
            name = name.removesuffix(ours) + theirs if name.endswith(ours) else name
        return prefix + name

    def is_other(name: str) -> bool:
        return bool(NO_WEIGHT.search(name)) or not name.startswith(tuple(body))

    return renamed(wanted, rename), is_other


def checked_tokenizer(tokenizer: Tokenizer, model: nn.Module, pad: Any, where: Path) -> Tokenizer:
    """Return the tokenizer for the rows of the model's embedding. Raises DataError if it belongs to another model."""
    encoder: Any = model
    rows, size = len(encoder.embedding.weight), len(tokenizer.vocab)
    if size < FEWEST * rows:
        raise DataError(
            f"{where}: the tokenizer has {size:,} tokens, the embedding {rows:,} rows; they do not "
            "belong to the same model"
        )
    if type(pad) is int and tokenizer.padding_idx not in (pad, None):
        raise DataError(
            f"{where}: config.json says pad_token_id {pad}, the tokenizer pads with {tokenizer.padding_idx}; "
            "they do not belong to the same model"
        )
    return tokenizer.for_vocab_size(rows, where)


def _prefix(names: list[str], shapes: Shapes) -> str:
    """Return the prefix of the encoder's names in a file; "" if there is none."""
    first = {names[0], names[0].replace("LayerNorm.weight", "LayerNorm.gamma")}
    found = [name for name in shapes if name in first or name.endswith(tuple(f".{one}" for one in first))]
    return min(found, key=len).removesuffix(names[0]) if found else ""
