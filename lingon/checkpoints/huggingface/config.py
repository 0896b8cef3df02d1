"""The `config.json` of the Hugging Face layout that says what a model of ours is."""

from typing import Any

from torch import nn

from lingon.core.errors import UserError
from lingon.models.decoder import Decoder
from lingon.models.families import FAMILIES
from lingon.models.gpt import GPT


def hub_config(model: nn.Module) -> dict[str, Any]:
    """The `config.json` of a model, whatever it was made from."""
    if not isinstance(model, GPT | Decoder):
        raise UserError(
            f"{type(model).__name__} has no place in this layout; models that have one are gpt, decoder and those "
            "that were loaded from it; keep others as bundles (lingon.checkpoints.bundle.save_bundle)"
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
            "n_positions": "context_length",
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
