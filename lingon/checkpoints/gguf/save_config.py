"""Writes the sizes of a model as metadata of a GGUF file, each in the type that llama.cpp expects.

llama.cpp supports only one variant of some computations. A model with another variant is refused with its name.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lingon.checkpoints.gguf.config import GEMMA2_DEPTH, GEMMA3_DEPTH
from lingon.core.errors import UserError
from lingon.layers.rotary import LinearScaling, Llama3Scaling, Rotary, YarnScaling, yarn_magnitude

SLIDING, FULL = "sliding_attention", "full_attention"
NEAR_THETA = 1e4
Config = Mapping[str, Any]


def write_gpt2(model: Any, config: Config) -> dict[str, Any]:
    """Return the metadata of a GPT-2."""
    sizes = {
        "context_length": "n_positions",
        "embedding_length": "n_embd",
        "feed_forward_length": "n_inner",
        "block_count": "n_layer",
        "attention.head_count": "n_head",
    }
    found: dict[str, Any] = {ours: np.uint32(config[theirs]) for ours, theirs in sizes.items() if theirs != "n_inner"}
    found["feed_forward_length"] = np.uint32(model.blocks[0].feed_forward.up.out_features)
    return found | {"attention.layer_norm_epsilon": np.float32(model.norm.eps)}


def write_llama(model: Any, config: Config) -> dict[str, Any]:
    """Return the metadata of a Llama, Mistral or Qwen2; biases are ordinary tensors."""
    _require(config, "hidden_act", config.get("hidden_act") or "silu", ("silu", "swish"))
    _without_window(model)
    return _sizes(model) | _rope(_rotary(model))


def write_qwen3(model: Any, config: Config) -> dict[str, Any]:
    """Return the metadata of a Qwen3, which has no biases."""
    _require(config, "attention_bias", bool(config.get("attention_bias")), (False,))
    return write_llama(model, config)


def write_gemma2(model: Any, config: Config) -> dict[str, Any]:
    """Return the metadata of a Gemma 2."""
    found = _gemma(model, config, 2, GEMMA2_DEPTH)
    caps = {"attn_logit_softcapping": model.blocks[0].attention.softcap, "final_logit_softcapping": model.softcap}
    for key, cap in caps.items():
        if cap is None:
            raise _refusal(config, key, None, "a number")
    near, wide = (_rope(model.rotaries[kind]) for kind in (SLIDING, FULL))
    if near != wide:
        raise UserError("gemma2: the two kinds of layers have other rotations, llama.cpp has one for both")
    return found | {key: np.float32(cap) for key, cap in caps.items()} | wide


def write_gemma3(model: Any, config: Config) -> dict[str, Any]:
    """Return the metadata of a Gemma 3."""
    found, near = _gemma(model, config, 6, GEMMA3_DEPTH), model.rotaries[SLIDING]
    if near.scaling is not None:
        raise UserError("gemma3_text: layers with a window have scaled rotations, which llama.cpp does not have")
    if near.theta != NEAR_THETA:  # older programs support no other value
        found["rope.freq_base_swa"] = np.float32(near.theta)
    if model.softcap is not None:
        found["final_logit_softcapping"] = np.float32(model.softcap)
    return found | _rope(model.rotaries[FULL])


def _gemma(model: Any, config: Config, every: int, largest: int) -> dict[str, Any]:
    """every: the last of this many layers has global attention. largest: layers of the model with another divisor."""
    _require(config, "tie_word_embeddings", model.output.weight is model.embedding.weight, (True,))
    _require(config, "attention_bias", bool(config.get("attention_bias")), (False,))
    usual = "gelu_pytorch_tanh"
    _require(config, "hidden_activation", config.get("hidden_activation") or usual, (usual, "gelu_new"))
    blocks, attention = model.blocks, model.blocks[0].attention
    kinds = [SLIDING if (layer + 1) % every else FULL for layer in range(len(blocks))]
    if [block.rotary for block in blocks] != kinds:
        raise UserError(f"{config['model_type']}: key 'layer_types' is another than llama.cpp's, one {FULL} in {every}")
    width = model.embedding.embedding_dim
    divisor = width // attention.heads if len(blocks) == largest else attention.head_width
    if abs(attention.scale**-2 - divisor) > 1e-6 * divisor:
        raise _refusal(config, "query_pre_attn_scalar", round(attention.scale**-2, 4), f"{divisor}")
    window = next((block.window for block in blocks if block.window), model.context_length)
    return _sizes(model) | {"attention.sliding_window": np.uint32(window)}


def _sizes(model: Any) -> dict[str, Any]:
    """Return the sizes that all families with rotary positions have."""
    attention, rows = model.blocks[0].attention, model.embedding.num_embeddings
    sizes = {
        "vocab_size": rows,
        "context_length": model.context_length,
        "embedding_length": model.embedding.embedding_dim,
        "block_count": len(model.blocks),
        "feed_forward_length": model.blocks[0].feed_forward.down.in_features,
        "attention.head_count": attention.heads,
        "attention.head_count_kv": attention.kv_heads,
        "attention.key_length": attention.head_width,
        "attention.value_length": attention.head_width,
        "rope.dimension_count": attention.head_width,
    }
    found: dict[str, Any] = {name: np.uint32(size) for name, size in sizes.items()}
    return found | {"attention.layer_norm_rms_epsilon": np.float32(model.norm.epsilon)}


def _rotary(model: Any) -> Rotary:
    (rotary,) = model.rotaries.values()
    return rotary


def _rope(rotary: Rotary) -> dict[str, Any]:
    """Return the settings of rotary positions. Llama 3's scaling is a tensor: see `lingon.checkpoints.gguf.save`."""
    found: dict[str, Any] = {"rope.freq_base": np.float32(rotary.theta)}
    scaling = rotary.scaling
    if isinstance(scaling, LinearScaling):
        return found | {"rope.scaling.type": "linear", "rope.scaling.factor": np.float32(scaling.factor)}
    if isinstance(scaling, Llama3Scaling):
        if (scaling.low, scaling.high) != (1.0, 4.0):
            raise UserError(
                f"low_freq_factor and high_freq_factor are {scaling.low:g} and {scaling.high:g}, not 1 and 4"
            )
        return found | {"rope.scaling.original_context_length": np.uint32(scaling.original)}
    if isinstance(scaling, YarnScaling):
        return found | _yarn(scaling, rotary.magnitude)
    return found


def _yarn(scaling: YarnScaling, magnitude: float) -> dict[str, Any]:
    if (scaling.fast, scaling.slow, scaling.truncate) != (32.0, 1.0, True):
        raise UserError(
            f"beta_fast, beta_slow and truncate are {scaling.fast:g}, {scaling.slow:g} and {scaling.truncate}; "
            "llama.cpp takes 32, 1 and True here, whatever a file says"
        )
    found = {
        "rope.scaling.type": "yarn",
        "rope.scaling.factor": np.float32(scaling.factor),
        "rope.scaling.original_context_length": np.uint32(scaling.original),
    }
    more = magnitude / yarn_magnitude(scaling.factor)  # llama.cpp multiplies its own magnitude by this
    return found if abs(more - 1) < 1e-9 else found | {"rope.scaling.attn_factor": np.float32(more)}


def _without_window(model: Any) -> None:
    """Raise UserError for a sliding window shorter than the context, which llama.cpp lacks in these families."""
    windows = [block.window for block in model.blocks if block.window and block.window < model.context_length]
    if windows:
        raise UserError(f"a sliding window of {windows[0]:,} tokens, which llama.cpp does not have here")


def _require(config: Config, key: str, value: Any, known: tuple[Any, ...]) -> None:
    if value not in known:
        raise _refusal(config, key, value, " or ".join(map(str, known)))


def _refusal(config: Config, key: str, value: Any, expected: str) -> UserError:
    return UserError(f"{config['model_type']}: key {key!r} is {value}, llama.cpp computes it as {expected} only")
