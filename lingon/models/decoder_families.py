"""Families of published decoders, each from the `config.json` of its checkpoints; `hub_families.py` lists them."""

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import nn

from lingon.layers.attention import Attention
from lingon.layers.feedforward import Activation, GatedFeedForward, gelu_tanh
from lingon.layers.norm import RMSNorm
from lingon.layers.residual import PreNorm, Sandwich
from lingon.layers.rotary import Rotary
from lingon.layers.transformer import Block
from lingon.models.config_sizes import ConfigReader
from lingon.models.decoder import Decoder
from lingon.models.gpt import GPT
from lingon.models.rope_config import rotary_of

ACTIVATIONS: dict[str, Activation] = {
    "silu": F.silu,
    "swish": F.silu,
    "gelu": F.gelu,
    "gelu_new": gelu_tanh,
    "gelu_pytorch_tanh": gelu_tanh,
    "relu": F.relu,
}
SLIDING, FULL = "sliding_attention", "full_attention"
DEEPEST = 256


@dataclass(frozen=True)
class DecoderSizes:
    """The sizes common to all families."""

    vocab_size: int
    width: int
    ffn_width: int
    depth: int
    heads: int
    kv_heads: int
    head_width: int
    context_length: int
    epsilon: float


def gpt2(sizes: ConfigReader) -> GPT:
    """Build GPT-2 (Radford et al. 2019)."""
    sizes.refuse("scale_attn_by_inverse_layer_idx")
    if not sizes.flag("scale_attn_weights", True):
        raise sizes.error("scale_attn_weights", False, "true")
    sizes.choice("activation_function", "gelu_new", ("gelu_new", "gelu_pytorch_tanh"))
    return GPT(
        sizes.integer("vocab_size"),
        sizes.integer("n_embd", most=1 << 16),
        sizes.integer("n_layer", most=DEEPEST),
        sizes.integer("n_head", most=1024),
        sizes.integer("n_positions"),
        sizes.integer("n_inner", 4 * sizes.config["n_embd"], most=1 << 20),
        sizes.fraction("resid_pdrop", 0.1),
        tied=sizes.flag("tie_word_embeddings", True),
        epsilon=sizes.number("layer_norm_epsilon", 1e-5, most=1.0),
    )


def llama(sizes: ConfigReader) -> Decoder:
    """Build Llama (Touvron et al. 2023); Llama 3 scales its rotary frequencies."""
    bias = sizes.flag("attention_bias")
    return _plain(sizes, bias=(bias, bias), feed_bias=sizes.flag("mlp_bias"))


def mistral(sizes: ConfigReader) -> Decoder:
    """Build Mistral (Jiang et al. 2023): Llama with a sliding window in every layer."""
    depth = sizes.integer("num_hidden_layers", most=DEEPEST)
    window = _window(sizes)
    # transformers treats a Mistral with layer_types as a Ministral (2024), where some layers have no window.
    return _plain(sizes, windows=_windows_told(sizes, depth, window) or [window] * depth, kv_heads=8)


def qwen2(sizes: ConfigReader) -> Decoder:
    """Build Qwen2 (Yang et al. 2024): Llama with biases on queries, keys and values."""
    return _plain(sizes, bias=(True, False), windows=_late_windows(sizes))


def qwen3(sizes: ConfigReader) -> Decoder:
    """Build Qwen3 (Yang et al. 2025): Llama with a norm on the queries and keys of each head."""
    bias = sizes.flag("attention_bias")
    return _plain(sizes, bias=(bias, bias), windows=_late_windows(sizes), head_width=128, normed=True)


def gemma2(sizes: ConfigReader) -> Decoder:
    """Build Gemma 2 (Gemma Team 2024): norms before and after layers, soft caps, a window in every other layer."""
    softcap = sizes.number("attn_logit_softcapping", 50.0) if sizes.enabled("attn_logit_softcapping") else None
    final = sizes.number("final_logit_softcapping", 30.0) if sizes.enabled("final_logit_softcapping") else None
    rotaries = {kind: rotary_of(sizes, kind, 256) for kind in (SLIDING, FULL)}
    return _gemma(sizes, rotaries, every=2, softcap=softcap, final=final, normed=False)


def gemma3(sizes: ConfigReader) -> Decoder:
    """Build Gemma 3 (Gemma Team 2025): a norm on queries and keys, other rotations in layers with a window."""
    new = sizes.section("rope_parameters")
    if new is not None and sizes.config.get("rope_scaling") is not None:
        raise sizes.error(
            "rope_scaling", sizes.config["rope_scaling"], "null beside rope_parameters: one of them counts"
        )
    wide: dict[str, Any]
    near: dict[str, Any]
    if new is None:
        wide = {"rope_theta": sizes.number("rope_theta", 1e6), "rope_scaling": sizes.config.get("rope_scaling")}
        near = {"rope_theta": sizes.number("rope_local_base_freq", 1e4)}
    else:
        wide, near = (
            {"rope_parameters": dict(found.config)} if (found := new.section(kind)) else {} for kind in (FULL, SLIDING)
        )
    both = {"head_dim": sizes.config.get("head_dim")}
    rotaries = {
        SLIDING: rotary_of(ConfigReader(near | both, sizes.family), SLIDING, 256, 1e4),
        FULL: rotary_of(ConfigReader(wide | both, sizes.family), FULL, 256, 1e6),
    }
    softcap, final = sizes.number("attn_logit_softcapping"), sizes.number("final_logit_softcapping")
    if softcap is not None:
        # transformers reads this key but does not use it, so its intended meaning is unknown.
        raise sizes.error("attn_logit_softcapping", softcap, "null")
    every = sizes.integer("sliding_window_pattern", sizes.config.get("_sliding_window_pattern") or 6)
    return _gemma(sizes, rotaries, every, None, final, normed=True)


def _plain(
    sizes: ConfigReader,
    bias: tuple[bool, bool] = (False, False),
    feed_bias: bool = False,
    windows: list[int | None] | None = None,
    head_width: int | None = None,
    normed: bool = False,
    kv_heads: int | None = None,
) -> Decoder:
    """Build Llama and its relatives."""
    shape = _shape(sizes, head_width, kv_heads)
    activation = ACTIVATIONS[sizes.choice("hidden_act", "silu", ACTIVATIONS)]

    def norm(width: int) -> RMSNorm:
        return RMSNorm(width, shape.epsilon)

    def block(layer: int) -> Block:
        norms = (norm(shape.head_width), norm(shape.head_width)) if normed else None
        attention = Attention(shape.width, shape.heads, shape.kv_heads, shape.head_width, bias, norms)
        feed = GatedFeedForward(shape.width, shape.ffn_width, activation, feed_bias)
        residuals = PreNorm(norm(shape.width)), PreNorm(norm(shape.width))
        return Block(attention, feed, residuals, window=windows[layer] if windows else None, rotary=FULL)

    blocks = [block(layer) for layer in range(shape.depth)]
    rotaries = {FULL: rotary_of(sizes, FULL, shape.head_width)}
    tied = sizes.flag("tie_word_embeddings")
    embedding = nn.Embedding(shape.vocab_size, shape.width)
    return Decoder(embedding, blocks, rotaries, norm(shape.width), shape.context_length, sizes.as_dict(), tied)


def _gemma(
    sizes: ConfigReader,
    rotaries: dict[str, Rotary],
    every: int,
    softcap: float | None,
    final: float | None,
    normed: bool,
) -> Decoder:
    """Build Gemma 2 and 3. every: every `every`-th layer has no window, all others have one."""
    sizes.refuse("use_bidirectional_attention")
    shape = _shape(sizes, 256, 4)
    activation = ACTIVATIONS[sizes.choice("hidden_activation", "gelu_pytorch_tanh", ACTIVATIONS)]
    kinds = sizes.choices("layer_types", shape.depth, (SLIDING, FULL))
    kinds = kinds or [SLIDING if (layer + 1) % every else FULL for layer in range(shape.depth)]
    window, bias = sizes.integer("sliding_window", 4096), sizes.flag("attention_bias")
    scale = sizes.number("query_pre_attn_scalar", 256.0) ** -0.5

    def norm(width: int) -> RMSNorm:
        return RMSNorm(width, shape.epsilon, offset=1.0)

    def block(kind: str) -> Block:
        norms = (norm(shape.head_width), norm(shape.head_width)) if normed else None
        attention = Attention(
            shape.width, shape.heads, shape.kv_heads, shape.head_width, (bias, bias), norms, scale, softcap
        )
        width = shape.width
        residuals = Sandwich(norm(width), norm(width)), Sandwich(norm(width), norm(width))
        feed = GatedFeedForward(shape.width, shape.ffn_width, activation)
        return Block(attention, feed, residuals, window=window if kind == SLIDING else None, rotary=kind)

    blocks, embedding = [block(kind) for kind in kinds], nn.Embedding(shape.vocab_size, shape.width)
    tied = sizes.flag("tie_word_embeddings", True)
    scaled = shape.width**0.5
    return Decoder(
        embedding,
        blocks,
        rotaries,
        norm(shape.width),
        shape.context_length,
        sizes.as_dict(),
        tied,
        scaled,
        softcap=final,
    )


def _shape(sizes: ConfigReader, head_width: int | None, kv_heads: int | None) -> DecoderSizes:
    width, heads = sizes.integer("hidden_size", most=1 << 16), sizes.integer("num_attention_heads", most=1024)
    if sizes.config.get("head_dim") is None and head_width is None and width % heads:
        raise sizes.error("num_attention_heads", heads, f"a divisor of hidden_size, which is {width}")
    found = DecoderSizes(
        sizes.integer("vocab_size"),
        width,
        sizes.integer("intermediate_size", most=1 << 20),
        sizes.integer("num_hidden_layers", most=DEEPEST),
        heads,
        sizes.integer("num_key_value_heads", min(kv_heads or heads, heads), most=1024),
        sizes.integer("head_dim", head_width or width // heads, least=2, most=1 << 12),
        sizes.integer("max_position_embeddings"),
        sizes.number("rms_norm_eps", 1e-6, most=1.0),
    )
    if heads % found.kv_heads:
        raise sizes.error("num_key_value_heads", found.kv_heads, f"a divisor of num_attention_heads, which is {heads}")
    if found.head_width % 2:
        raise sizes.error("head_dim", found.head_width, "an even number, for rotations turn pairs")
    return found


def _late_windows(sizes: ConfigReader) -> list[int | None]:
    """Return Qwen's windows: with use_sliding_window, all layers but the first max_window_layers have one."""
    depth = sizes.integer("num_hidden_layers", most=DEEPEST)
    used = sizes.flag("use_sliding_window")
    window = _window(sizes) if used else None
    if told := _windows_told(sizes, depth, window, unused=not used):
        return told
    first = sizes.integer("max_window_layers", 28, least=0)
    return [window if layer >= first else None for layer in range(depth)]


def _window(sizes: ConfigReader) -> int | None:
    """Return the sliding window: if the key is missing, that of the paper; null means none."""
    return sizes.integer("sliding_window", 4096) if sizes.enabled("sliding_window") else None


def _windows_told(sizes: ConfigReader, depth: int, window: int | None, unused: bool = False) -> list[int | None] | None:
    """Return the window of each layer by layer_types; None without that key. unused: windows are switched off."""
    kinds = sizes.choices("layer_types", depth, (SLIDING, FULL))
    if kinds and SLIDING in kinds and window is None and not unused:
        raise sizes.error("sliding_window", None, f"a whole number, for layer_types has {SLIDING}")
    return [window if kind == SLIDING else None for kind in kinds] if kinds else None
