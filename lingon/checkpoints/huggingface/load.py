"""Checkpoints of the Hugging Face layout, read: a folder of safetensors and JSON, or its name on the hub."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lingon.checkpoints.huggingface.config import hub_weights
from lingon.checkpoints.huggingface.opener import HUB
from lingon.checkpoints.huggingface.weight_files import read_weights, same_weights, weight_files, weight_shapes
from lingon.checkpoints.published_model import Checkpoint
from lingon.core.errors import DataError, FetchError, UserError, one_of, unknown
from lingon.core.files import read_json
from lingon.data.tokenizers.huggingface import read_tokenizer
from lingon.models.from_config import from_config
from lingon.models.hub_weights import HubWeight

CONFIG_LIMIT = 4 << 20  # bytes
# Tensors of older checkpoints that are no weights: masks, and frequencies that the configuration gives.
NO_WEIGHTS = re.compile(r"\.attn\.(masked_)?bias$|\.rotary_emb\.inv_freq$")
PREFIXES = ("transformer.", "model.")
OUTPUT = "lm_head.weight"
NEEDED = ["*.json", "*.safetensors", "merges.txt"]


def load_hub(source: str | Path, dtype: torch.dtype = torch.float32) -> Checkpoint:
    """A model with its tokenizer, from a folder or by a name such as "hf:owner/name", which is fetched first.

    dtype: of the weights in memory. Raises UserError or DataError naming file, key or tensor when anything is missing,
    superfluous, of another shape, or holds NaN or infinite numbers; nothing is believed before it is checked.
    """
    folder = _folder(source)
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
        # So does transformers: the weights count, not what is said of them.
        warnings.warn(f"{folder}: {OUTPUT} is not the embedding, so it is not tied as config.json says", stacklevel=2)
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
    return Checkpoint(model.eval(), tokenizer, _eos_ids(folder, config, rows), folder)


def _folder(source: str | Path) -> Path:
    if Path(source).is_dir():
        return Path(source)
    name = str(source).removeprefix(HUB)
    if not str(source).startswith(HUB) or not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise UserError(f"there is no folder {str(source)!r}, and a name on the hub looks like hf:owner/name")
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise UserError(f"to fetch {str(source)!r} by name, install huggingface_hub; or give a folder") from None
    try:
        return Path(snapshot_download(name, allow_patterns=NEEDED))
    except Exception as error:  # its errors are of many kinds, and nobody's mistake
        raise FetchError(f"{source} could not be fetched from the hub ({str(error).splitlines()[0][:120]})") from None


def _plan(
    folder: Path, config: Mapping[str, Any], model: nn.Module, shapes: Mapping[str, tuple]
) -> dict[str, HubWeight]:
    """Our entries under the names that the files use, after all names and shapes were compared."""
    wanted, prefix = hub_weights(model), _missing_prefix(hub_weights(model), shapes)
    plan, sizes = {}, dict(model.named_parameters())
    known: dict[str, tuple[int, ...]] = {}
    for entry in wanted:
        entry = HubWeight(
            entry.ours, tuple(n.removeprefix(prefix) for n in entry.theirs), entry.sizes, entry.transposed
        )
        plan[entry.ours] = entry
        for name, rows in zip(entry.theirs, entry.sizes, strict=True):
            shape = (rows, *sizes[entry.ours].shape[1:])
            known[name] = shape[::-1] if entry.transposed else shape
    for name, shape in known.items():
        if name not in shapes:
            way = "; if it is the embedding, set 'tie_word_embeddings' to true" if name == OUTPUT else ""
            raise DataError(f"{folder}: tensor {name!r} is missing; these weights are not of this configuration{way}")
        if shapes[name] != shape:
            keys = _keys_of(config, shapes[name], shape)
            raise DataError(f"{folder}: tensor {name!r} is {list(shapes[name])}, config.json wants {list(shape)}{keys}")
    tied = {OUTPUT} if "output.weight" not in plan else set()
    for name in shapes:
        if name not in known and name not in tied and not NO_WEIGHTS.search(name):
            raise DataError(f"{folder}: {unknown('tensor', name, known)}")
    return plan


def _keys_of(config: Mapping[str, Any], found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """The keys with the sizes of a tensor that do not fit, for a message."""
    wrong = [b for a, b in zip(found, wanted, strict=False) if a != b]
    return "".join(f"; key {key!r} is {size}" for key, size in config.items() if type(size) is int and size in wrong)


def _missing_prefix(wanted: list[HubWeight], shapes: Mapping[str, tuple]) -> str:
    """ "transformer." or "model.", when a checkpoint of the body alone has left it out."""
    name = wanted[0].theirs[0]
    return next((p for p in PREFIXES if name.startswith(p) and name not in shapes and name[len(p) :] in shapes), "")


def _eos_ids(folder: Path, config: Mapping[str, Any], vocab_size: int) -> tuple[int, ...]:
    """Ids that end a text: those of generation_config.json, else of config.json."""
    path = folder / "generation_config.json"
    more = read_json(path, limit=CONFIG_LIMIT) if path.is_file() else {}
    ids: list[int] = []
    for found in (config.get("eos_token_id"), more.get("eos_token_id") if isinstance(more, dict) else None):
        ids = found if isinstance(found, list) else ids if found is None else [found]
        if not all(type(i) is int and i >= 0 for i in ids):
            raise DataError(f"{folder}: key 'eos_token_id' is {repr(found)[:40]}, expected ids")
    if beyond := [i for i in ids if i >= vocab_size]:
        warnings.warn(f"{folder}: the end token {one_of(map(str, beyond))} is not in the vocabulary", stacklevel=3)
    return tuple(i for i in ids if i < vocab_size)
