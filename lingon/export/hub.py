"""Checkpoints of the Hugging Face layout: a folder of safetensors and JSON, or its name on the hub, in and out."""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lingon.core.errors import DataError, FetchError, UserError, one_of, unknown
from lingon.core.files import atomic_folder, read_json, write_json
from lingon.core.shapes import Tensor
from lingon.data.hub_tokenizer import read_tokenizer, write_tokenizer
from lingon.data.tokenize import Tokenizer
from lingon.export.hub_files import read_weights, same_weights, weight_files, weight_shapes, write_weights
from lingon.export.names import Entry, entries
from lingon.models.decoder import Decoder
from lingon.models.families import FAMILIES, from_config
from lingon.models.gpt import GPT

CONFIG_LIMIT = 4 << 20  # bytes
SHARD = 5_000_000_000  # bytes in one file
# Tensors of older checkpoints that are no weights: masks, and frequencies that the configuration gives.
NO_WEIGHTS = re.compile(r"\.attn\.(masked_)?bias$|\.rotary_emb\.inv_freq$")
HUB = "hf:"  # what a name of the hub begins with, so that a folder that is misspelt never asks the network
PREFIXES = ("transformer.", "model.")
OUTPUT = "lm_head.weight"
TOKEN_IDS = ("bos_token_id", "eos_token_id", "pad_token_id")
NEEDED = ["*.json", "*.safetensors", "merges.txt"]


@dataclass(frozen=True)
class Checkpoint:
    """A language model as it was published.

    tokenizer: None when the folder has none. ends: ids that end a text. source: the folder.
    """

    model: nn.Module
    tokenizer: Tokenizer | None
    ends: tuple[int, ...]
    source: Path


def is_hub_folder(folder: Path) -> bool:
    """Whether a folder holds a checkpoint of this layout: its config.json has a `model_type`."""
    path = folder / "config.json"
    if not path.is_file():
        return False
    config = read_json(path, limit=64 << 20)
    return isinstance(config, dict) and "model_type" in config


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
        model = from_config(config, device="meta")  # takes no memory; each tensor is compared before one is read
    except UserError as error:
        raise DataError(f"{folder / 'config.json'}: {error}") from None
    plan = _plan(folder, config, model, shapes)
    tied = model.output.weight is model.embedding.weight
    if tied and OUTPUT in shapes and not same_weights(folder, files, OUTPUT, plan["embedding.weight"].theirs[0]):
        # So does transformers: the weights count, not what is said of them.
        warnings.warn(f"{folder}: {OUTPUT} is not the embedding, so it is not tied as config.json says", stacklevel=2)
        model, tied = from_config(config | {"tie_word_embeddings": False}, device="meta"), False
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
        tokenizer = tokenizer.for_rows(rows, folder)
    return Checkpoint(model.eval(), tokenizer, _ends(folder, config, rows), folder)


def save_hub(
    model: nn.Module,
    folder: str | Path,
    tokenizer: Tokenizer | None = None,
    dtype: torch.dtype | None = None,
    shard: int = SHARD,
    ends: Sequence[int] | None = None,
) -> Path:
    """Writes a model so that `transformers` and others can load it. A `decoder` of ours becomes a Qwen3, a GPT a GPT-2.

    dtype: of the stored weights; as they are when not given. shard: the most bytes in a file, unless one tensor has
    more. ends: ids that end a text, as `Checkpoint` and `LanguageModel` have them; when not given, those of the
    configuration that the model was made from, which one of ours has not. The folder appears, or takes the place of
    an older one, only when it is whole.
    """
    config = hub_config(model)
    dtype = dtype or model.embedding.weight.dtype
    config |= {"dtype": str(dtype).removeprefix("torch."), "eos_token_id": _end_ids(config, ends)}
    # Of generation_config.json, transformers takes these ids in the place of those of config.json.
    generation = {key: config[key] for key in TOKEN_IDS if config.get(key) is not None}
    with atomic_folder(Path(folder)) as fresh:
        write_json(fresh / "config.json", config)
        write_json(fresh / "generation_config.json", generation)
        write_weights(fresh, {name: t.to(dtype) for name, t in _theirs(model)}, shard)
        if tokenizer is not None:
            write_tokenizer(fresh, tokenizer, config)
    return Path(folder)


def hub_config(model: nn.Module) -> dict[str, Any]:
    """The `config.json` of a model, whatever it was made from."""
    if not isinstance(model, GPT | Decoder):
        raise UserError(
            f"{type(model).__name__} has no place in this layout; models that have one are gpt, decoder and those "
            "that were loaded from it; keep others as bundles (lingon.export.bundle.save_bundle)"
        )
    sizes = dict(model.config())
    if "model_type" in sizes:
        return sizes | {"architectures": [ARCHITECTURES[sizes["model_type"]]]}
    attention = model.blocks[0].attention
    same = {"vocab_size": sizes["vocab_size"], "tie_word_embeddings": sizes["tied"]}
    if hasattr(model, "positions"):
        if not sizes["bias"]:
            raise UserError("a GPT without biases has no place in the layout of GPT-2; train one with bias")
        names = {
            "n_embd": "width",
            "n_layer": "depth",
            "n_head": "heads",
            "n_positions": "context",
            "n_inner": "ffn_width",
        }
        more = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), sizes["dropout"])
        more |= {"layer_norm_epsilon": sizes["epsilon"], "activation_function": "gelu_new"}
        found = {"model_type": "gpt2", **same, **{theirs: sizes[ours] for theirs, ours in names.items()}, **more}
    else:
        windows = [block.window for block in model.blocks]
        found = {
            "model_type": "qwen3",
            **same,
            "hidden_size": sizes["width"],
            "intermediate_size": sizes["ffn_width"],
            "num_hidden_layers": sizes["depth"],
            "num_attention_heads": sizes["heads"],
            "num_key_value_heads": sizes["kv_heads"],
            "head_dim": attention.head_width,
            "max_position_embeddings": sizes["context"],
            "rms_norm_eps": sizes["epsilon"],
            "rope_theta": sizes["theta"],
            "rope_parameters": {"rope_type": "default", "rope_theta": sizes["theta"]},
            "use_sliding_window": any(windows),
            "sliding_window": sizes["window"] or None,
            "layer_types": ["sliding_attention" if window else "full_attention" for window in windows],
            "attention_bias": False,
            "hidden_act": "silu",
        }
    return found | {"architectures": [ARCHITECTURES[found["model_type"]]]}


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


def _plan(folder: Path, config: Mapping[str, Any], model: nn.Module, shapes: Mapping[str, tuple]) -> dict[str, Entry]:
    """Our entries under the names that the files use, after all names and shapes were compared."""
    wanted, prefix = entries(model), _missing_prefix(entries(model), shapes)
    plan, sizes = {}, dict(model.named_parameters())
    known: dict[str, tuple[int, ...]] = {}
    for entry in wanted:
        entry = Entry(entry.ours, tuple(n.removeprefix(prefix) for n in entry.theirs), entry.sizes, entry.transposed)
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


def _missing_prefix(wanted: list[Entry], shapes: Mapping[str, tuple]) -> str:
    """ "transformer." or "model.", when a checkpoint of the body alone has left it out."""
    name = wanted[0].theirs[0]
    return next((p for p in PREFIXES if name.startswith(p) and name not in shapes and name[len(p) :] in shapes), "")


def _ends(folder: Path, config: Mapping[str, Any], vocab_size: int) -> tuple[int, ...]:
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


def _end_ids(config: Mapping[str, Any], ends: Sequence[int] | None) -> int | list[int] | None:
    """What config.json says of the end tokens: null if there are none, or transformers would take its own."""
    if ends is None:
        return config.get("eos_token_id")
    last = config["vocab_size"] - 1
    if wrong := [i for i in ends if not 0 <= i <= last]:
        raise UserError(f"the end token {wrong[0]} is not in the vocabulary; expected ids from 0 to {last:,}")
    return ends[0] if len(ends) == 1 else list(ends) or None


def _theirs(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    ours = dict(model.named_parameters())
    for entry in entries(model):
        for name, part in zip(entry.theirs, ours[entry.ours].detach().split(entry.sizes), strict=True):
            yield name, part.T if entry.transposed else part
