"""Checkpoints of the Hugging Face layout as GGUF files, converted as llama.cpp's `convert_hf_to_gguf.py` does."""

import math
import re

import numpy as np

from tests.models.family_configs import CONFIGS, GPT2, LINEAR, PLAIN, F, S, made

LETTERS = "etaoinshrdlucmfwypvbgkjqxzETAOIN.,!?'0123456789"
WHOLE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
WHOLE |= {"transformer.wte": "token_embd", "transformer.wpe": "position_embd", "transformer.ln_f": "output_norm"}
PARTS = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v"}
PARTS |= {"self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"}
PARTS |= {"mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
PARTS |= {"ln_1": "attn_norm", "ln_2": "ffn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output"}
PARTS |= {"mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down", "input_layernorm": "attn_norm"}
NORMS = {"post_attention_layernorm": "ffn_norm"}
GEMMA = {"post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm"}
GEMMA |= {"post_feedforward_layernorm": "post_ffw_norm"}

GEMMA2 = {"tied": True, "query_pre_attn_scalar": 14, "sliding_window": 5, "layer_types": [S, F, S]}
# The rotations of Gemma 3 as published, which transformers takes for granted too.
NEAR, WIDE = {"rope_type": "default", "rope_theta": 1e4}, {"rope_type": "default", "rope_theta": 1e6}
GEMMA3 = {"tied": True, "query_pre_attn_scalar": 14, "sliding_window": 5, "num_hidden_layers": 7}
GEMMA3 |= {"layer_types": [S] * 5 + [F, S]}
OF_THE_LAYOUT = ("llama", "llama, tied", "llama, biases", "llama, linear", "llama 3", "llama, yarn", "mistral", "qwen3")
OF_THE_LAYOUT += ("qwen3, yarn",)
MODELS = {
    "gpt2": {**GPT2, "n_inner": 41},
    "gpt2, untied": {**GPT2, "n_inner": 41, "tie_word_embeddings": False},
    **{name: config for name, config in CONFIGS.items() if name in OF_THE_LAYOUT},
    "qwen2": made("qwen2", tied=True, head_dim=6, num_attention_heads=5, num_key_value_heads=1),
    "gemma2": made("gemma2", attn_logit_softcapping=5.0, final_logit_softcapping=3.0, **GEMMA2),
    "gemma2, caps not named": made("gemma2", attn_logit_softcapping=50.0, final_logit_softcapping=30.0, **GEMMA2),
    "gemma3": made("gemma3_text", **GEMMA3 | {"rope_parameters": {F: WIDE, S: NEAR}}),
    "gemma3, linear": made("gemma3_text", **GEMMA3 | {"tied": False, "rope_parameters": {F: LINEAR, S: PLAIN}}),
}


def letters(count: int = 89) -> dict:
    """The tokenizer of a model of `count` tokens: letters, a few pairs of them, and tokens that stand for none."""
    pairs = ["th", "he", "\u2581the", "in", "er", "\u2581a", "\u2581in"]
    tokens = ["<unk>", "<s>", "</s>", "\u2581", *LETTERS, *pairs]
    tokens += [f"<unused{i}>" for i in range(count - len(tokens))]
    kinds = [2, 3, 3] + [1] * (len(tokens) - 3)
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.scores": [-float(i) for i in range(len(tokens))],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.add_space_prefix": False,
    }


def converted(config: dict, tensors: dict) -> tuple[dict, dict]:
    """The metadata and tensors of a GGUF file, from a config.json and numpy arrays by their names there."""
    family = config["model_type"]
    architecture = {"mistral": "llama", "gemma3_text": "gemma3"}.get(family, family)
    metadata = {f"{architecture}.{name}": x for name, x in (gpt2 if family == "gpt2" else rotary)(config).items()}
    out = {}
    for name, tensor in tensors.items():
        module, _, kind = name.rpartition(".")
        parts = PARTS | (GEMMA if "gemma" in family else NORMS)
        found = re.fullmatch(r"(?:model\.layers|transformer\.h)\.(\d+)\.(.+)", module)
        theirs = WHOLE[module] if not found else f"blk.{found[1]}.{parts[found[2]]}"
        if architecture == "llama" and theirs.endswith(("attn_q", "attn_k")):
            heads = config["num_attention_heads" if theirs.endswith("q") else "num_key_value_heads"]
            tensor = permuted(tensor, heads)
        if "gemma" in family and theirs.endswith("norm"):
            tensor = tensor + 1
        if family == "gpt2" and tensor.ndim == 2 and "c_" in module:
            tensor = tensor.T
        out[f"{theirs}.{kind}"] = tensor
    if config.get("rope_parameters", {}).get("rope_type") == "llama3":
        out["rope_freqs.weight"] = llama3_divisors(config)
    return {"general.architecture": architecture, **metadata, **letters(config["vocab_size"])}, out


def permuted(rows: np.ndarray, heads: int) -> np.ndarray:
    return rows.reshape(heads, 2, len(rows) // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def gpt2(config: dict) -> dict:
    return {
        "block_count": config["n_layer"],
        "context_length": config["n_positions"],
        "embedding_length": config["n_embd"],
        "feed_forward_length": config["n_inner"],
        "attention.head_count": config["n_head"],
        "attention.layer_norm_epsilon": config["layer_norm_epsilon"],
    }


def rotary(config: dict) -> dict:
    metadata = {
        "vocab_size": config["vocab_size"],
        "context_length": config["max_position_embeddings"],
        "embedding_length": config["hidden_size"],
        "block_count": config["num_hidden_layers"],
        "feed_forward_length": config["intermediate_size"],
        "attention.head_count": config["num_attention_heads"],
        "attention.head_count_kv": config["num_key_value_heads"],
        "attention.key_length": config["head_dim"],
        "attention.value_length": config["head_dim"],
        "attention.layer_norm_rms_epsilon": config["rms_norm_eps"],
        "rope.dimension_count": config["head_dim"],
    }
    rope = config["rope_parameters"]
    if F in rope:
        metadata["rope.freq_base_swa"] = rope[S]["rope_theta"]
        rope = rope[F]
    metadata["rope.freq_base"] = rope["rope_theta"]
    if rope["rope_type"] == "linear":
        metadata |= {"rope.scaling.type": "linear", "rope.scaling.factor": rope["factor"]}
    if rope["rope_type"] == "yarn":
        metadata |= {"rope.scaling.type": "yarn", "rope.scaling.factor": rope["factor"]}
        metadata |= {f"rope.scaling.yarn_{key}": rope[key] for key in ("beta_fast", "beta_slow")}
        if "attention_factor" in rope:  # llama.cpp multiplies its own by another
            metadata["rope.scaling.attn_factor"] = rope["attention_factor"] / (1 + 0.1 * math.log(rope["factor"]))
    if rope["rope_type"] in ("llama3", "yarn"):
        metadata["rope.scaling.original_context_length"] = rope["original_max_position_embeddings"]
    if config.get("sliding_window"):
        metadata["attention.sliding_window"] = config["sliding_window"]
    caps = {f"{x}_logit_softcapping": config.get(f"{x}_logit_softcapping") for x in ("attn", "final")}
    usual = {"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}  # which the first converters left out
    return metadata | {name: cap for name, cap in caps.items() if cap and cap != usual[name]}


def llama3_divisors(config: dict) -> np.ndarray:
    """What llama.cpp writes for Llama 3: by how much the turn of each pair is slower."""
    rope, out = config["rope_parameters"], []
    low = rope["original_max_position_embeddings"] / rope["low_freq_factor"]
    high = rope["original_max_position_embeddings"] / rope["high_freq_factor"]
    for i in range(config["head_dim"] // 2):
        length = 2 * math.pi * rope["rope_theta"] ** (2 * i / config["head_dim"])
        if length < high:
            out.append(1.0)
        elif length > low:
            out.append(rope["factor"])
        else:
            smooth = rope["original_max_position_embeddings"] / length - rope["low_freq_factor"]
            smooth /= rope["high_freq_factor"] - rope["low_freq_factor"]
            out.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(out)
