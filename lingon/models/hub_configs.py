"""The config.json, in the Hugging Face layout, of models trained here."""

from typing import Any

from torch import nn

from lingon.core.errors import UserError


def gpt2_config(model: nn.Module) -> dict[str, Any]:
    """Return the config.json of a GPT as GPT-2. Raises UserError for one without biases, unsupported there."""
    gpt: Any = model
    sizes = dict(gpt.config())
    if not sizes["bias"]:
        raise UserError("a GPT without biases cannot be saved in the layout of GPT-2; train one with bias")
    names = {
        "n_embd": "width",
        "n_layer": "depth",
        "n_head": "heads",
        "n_positions": "context_length",
        "n_inner": "ffn_width",
    }
    more = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), sizes["dropout"])
    more |= {"layer_norm_epsilon": sizes["epsilon"], "activation_function": "gelu_new"}
    return {
        "model_type": "gpt2",
        "vocab_size": sizes["vocab_size"],
        "tie_word_embeddings": sizes["tied"],
        **{theirs: sizes[ours] for theirs, ours in names.items()},
        **more,
    }


def qwen3_config(model: nn.Module) -> dict[str, Any]:
    """Return the config.json of a decoder as Qwen3, which has the same parts."""
    decoder: Any = model
    sizes, attention = dict(decoder.config()), decoder.blocks[0].attention
    windows = [block.window for block in decoder.blocks]
    return {
        "model_type": "qwen3",
        "vocab_size": sizes["vocab_size"],
        "tie_word_embeddings": sizes["tied"],
        "hidden_size": sizes["width"],
        "intermediate_size": sizes["ffn_width"],
        "num_hidden_layers": sizes["depth"],
        "num_attention_heads": sizes["heads"],
        "num_key_value_heads": sizes["kv_heads"],
        "head_dim": attention.head_width,
        "max_position_embeddings": sizes["context_length"],
        "rms_norm_eps": sizes["epsilon"],
        "rope_theta": sizes["theta"],
        "rope_parameters": {"rope_type": "default", "rope_theta": sizes["theta"]},
        "use_sliding_window": any(windows),
        "sliding_window": sizes["window"] or None,
        "layer_types": ["sliding_attention" if window else "full_attention" for window in windows],
        "attention_bias": False,
        "hidden_act": "silu",
    }
