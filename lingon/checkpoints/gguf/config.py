"""Converts the metadata of a GGUF file to a `config.json` of the Hugging Face layout."""

from typing import Any

import numpy as np
import torch

from lingon.core.errors import DataError
from lingon.data.files.gguf import GGUF
from lingon.data.tokenizers.text_check import abbreviate
from lingon.layers.rotary import Llama3Scaling, yarn_magnitude

FREQUENCIES = "rope_freqs.weight"
GEMMA2_DEPTH, GEMMA3_DEPTH = 46, 62  # layers of the models with 27 billion weights, which scale scores differently


class Metadata:
    """The metadata of a file, with keys without the prefix of the architecture."""

    def __init__(self, file: GGUF, architecture: str):
        self.file, self.architecture = file, architecture

    def get(self, name: str, default: Any = None) -> Any:
        value = self.file.metadata.get(f"{self.architecture}.{name}", default)
        return value.tolist() if isinstance(value, np.ndarray) else value

    def require(self, name: str) -> Any:
        if (value := self.get(name)) is None:
            raise DataError(f"{self.file.path}: the metadata key {self.architecture}.{name} is missing")
        return value

    def positive_integer(self, name: str) -> int:
        """Return a value that must be an integer of 1 or more."""
        value = self.require(name)
        if type(value) is not int or value < 1:
            raise self.error(name, "a whole number of 1 or more")
        return value

    def positive_number(self, name: str, default: float | None = None) -> Any:
        """Return a number over 0; the default if it is missing."""
        value = self.get(name, default)
        if value is not None and (type(value) not in (int, float) or not 0 < value < float("inf")):
            raise self.error(name, "a number over 0")
        return value

    def error(self, name: str, expected: str) -> DataError:
        said = abbreviate(self.get(name))
        return DataError(
            f"{self.file.path}: the metadata key {self.architecture}.{name} is {said}, expected {expected}"
        )


def read_gpt2(metadata: Metadata) -> dict[str, Any]:
    """Read the configuration of a GPT-2."""
    return {
        "model_type": "gpt2",
        "n_embd": metadata.require("embedding_length"),
        "n_layer": metadata.require("block_count"),
        "n_head": metadata.require("attention.head_count"),
        "n_positions": metadata.require("context_length"),
        "n_inner": metadata.require("feed_forward_length"),
        "layer_norm_epsilon": metadata.require("attention.layer_norm_epsilon"),
    }


def _sizes(metadata: Metadata) -> dict[str, Any]:
    """Return the sizes that all families with rotary positions have."""
    width, heads = metadata.positive_integer("embedding_length"), metadata.positive_integer("attention.head_count")
    head_width = metadata.get("attention.key_length", width // heads)
    for name in ("attention.value_length", "rope.dimension_count"):
        if metadata.get(name, head_width) != head_width:
            raise metadata.error(name, f"{head_width}, the width of a head")
    return {
        "hidden_size": width,
        "intermediate_size": metadata.require("feed_forward_length"),
        "num_hidden_layers": metadata.positive_integer("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": metadata.get("attention.head_count_kv", heads),
        "head_dim": head_width,
        "max_position_embeddings": metadata.require("context_length"),
        "rms_norm_eps": metadata.require("attention.layer_norm_rms_epsilon"),
        "attention_bias": "blk.0.attn_q.bias" in metadata.file.tensors,
    }


def read_llama(metadata: Metadata) -> dict[str, Any]:
    """Read the configuration of a Llama or Mistral, which differ in llama.cpp only by the window."""
    sizes = _sizes(metadata) | {"rope_parameters": _rope(metadata)}
    if metadata.get("attention.scale") is not None:
        raise metadata.error("attention.scale", "nothing: Lingon's Llama has the usual scale")
    if window := metadata.get("attention.sliding_window"):
        if sizes["attention_bias"]:
            raise metadata.error("attention.sliding_window", "nothing beside biases")
        return sizes | {"model_type": "mistral", "sliding_window": window}
    return sizes | {"model_type": "llama", "mlp_bias": "blk.0.ffn_gate.bias" in metadata.file.tensors}


def read_qwen(metadata: Metadata) -> dict[str, Any]:
    """Read the configuration of a Qwen2 or Qwen3."""
    if metadata.get("attention.sliding_window"):
        raise metadata.error("attention.sliding_window", "nothing: which layers it is for is not written")
    return _sizes(metadata) | {"model_type": metadata.architecture, "rope_parameters": _rope(metadata)}


def read_gemma2(metadata: Metadata) -> dict[str, Any]:
    """Read the configuration of a Gemma 2."""
    # The first files of Gemma 2 do not contain the soft caps, which all of its models have (its paper, section 2).
    caps = {"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}
    caps = {name: metadata.positive_number(name, usual) for name, usual in caps.items()}
    return _gemma(metadata, 2, GEMMA2_DEPTH) | caps | {"model_type": "gemma2", "rope_parameters": _rope(metadata)}


def read_gemma3(metadata: Metadata) -> dict[str, Any]:
    """Read the configuration of a Gemma 3."""
    # The rotary base of layers with a window is rarely in the metadata; 10,000 is from the paper, section 2.
    near = {"rope_type": "default", "rope_theta": metadata.positive_number("rope.freq_base_swa", 1e4)}
    metadata.require("rope.freq_base")
    kinds = {"full_attention": _rope(metadata), "sliding_attention": near}
    final = {"final_logit_softcapping": metadata.positive_number("final_logit_softcapping")}
    return _gemma(metadata, 6, GEMMA3_DEPTH) | final | {"model_type": "gemma3_text", "rope_parameters": kinds}


def _gemma(metadata: Metadata, every: int, largest: int) -> dict[str, Any]:
    """every: the last of this many layers has global attention. largest: layers of the model with another divisor."""
    sizes = _sizes(metadata)
    pattern = metadata.get("attention.sliding_window_pattern", every)
    if type(pattern) is not int or pattern < 1:
        raise metadata.error("attention.sliding_window_pattern", "a whole number of layers")
    kinds = [("sliding" if (layer + 1) % pattern else "full") for layer in range(min(sizes["num_hidden_layers"], 256))]
    # The divisor is not in the metadata; it is the width of a head, except in one size of each.
    odd = sizes["num_hidden_layers"] == largest
    divisor = sizes["hidden_size"] // sizes["num_attention_heads"] if odd else sizes["head_dim"]
    if scale := metadata.positive_number("attention.scale"):
        divisor = scale**-2
    return sizes | {
        "layer_types": [f"{kind}_attention" for kind in kinds],
        "sliding_window": metadata.require("attention.sliding_window"),
        "query_pre_attn_scalar": divisor,
    }


def _rope(metadata: Metadata) -> dict[str, Any]:
    theta = metadata.positive_number("rope.freq_base", 1e4)
    kind, factor = metadata.get("rope.scaling.type", "linear"), metadata.positive_number("rope.scaling.factor")
    factor = factor or metadata.positive_number("rope.scale_linear")
    if kind not in ("linear", "none", "yarn"):
        raise metadata.error("rope.scaling.type", "linear, none or yarn")
    if kind == "yarn":
        return _yarn(metadata, theta, factor)
    if FREQUENCIES in metadata.file.tensors:
        return _llama3(metadata, theta)
    if kind == "none" or factor in (None, 1.0):
        return {"rope_type": "default", "rope_theta": theta}
    return {"rope_type": "linear", "rope_theta": theta, "factor": factor}


def _yarn(metadata: Metadata, theta: float, factor: float | None) -> dict[str, Any]:
    """Return YaRN as in llama.cpp: its own scaling of queries and keys, times an optional factor."""
    if factor is None:
        raise metadata.error("rope.scaling.factor", "a number over 0")
    if FREQUENCIES in metadata.file.tensors:
        raise metadata.error("rope.scaling.type", f"another one beside the tensor {FREQUENCIES!r}")
    # The meaning of these depends on the program that wrote the file, except for neutral values.
    for name, neutral in (("yarn_ext_factor", 1), ("yarn_attn_factor", 1), ("yarn_log_multiplier", 0)):
        if metadata.get(f"rope.scaling.{name}", neutral) != neutral:
            raise metadata.error(f"rope.scaling.{name}", f"{neutral}, or nothing")
    found = {"rope_type": "yarn", "rope_theta": theta, "factor": factor}
    original = metadata.get("rope.scaling.original_context_length", metadata.require("context_length"))
    found["original_max_position_embeddings"] = original
    for ours, theirs in (("beta_fast", "yarn_beta_fast"), ("beta_slow", "yarn_beta_slow")):
        if (turns := metadata.positive_number(f"rope.scaling.{theirs}")) is not None:
            found[ours] = turns
    if (more := metadata.positive_number("rope.scaling.attn_factor")) is not None:
        found["attention_factor"] = more * yarn_magnitude(factor)
    return found


def _llama3(metadata: Metadata, theta: float) -> dict[str, Any]:
    """Return the settings of Llama 3 that yield the frequency divisors, which the file stores in a tensor."""
    divisors = torch.from_numpy(metadata.file.read(FREQUENCIES).reshape(-1))
    head_width = metadata.get(
        "attention.key_length",
        metadata.positive_integer("embedding_length") // metadata.positive_integer("attention.head_count"),
    )
    even = torch.arange(0, 2 * len(divisors), 2, dtype=torch.float32)
    frequencies, factor = theta ** (-even / max(1, 2 * len(divisors))), float(divisors.max())
    context = metadata.get("rope.scaling.original_context_length", 8192)
    if 2 * len(divisors) == head_width and 1 <= factor < float("inf") and type(context) is int:
        found = frequencies / Llama3Scaling(factor, 1.0, 4.0, context)(frequencies)
        if torch.allclose(found, divisors, rtol=1e-3):
            more = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": context}
            return {"rope_type": "llama3", "rope_theta": theta, "factor": factor, **more}
    raise DataError(f"{metadata.file.path}: tensor {FREQUENCIES!r} is not what Llama 3 has, so it cannot be read")
