"""The names of the weights of BART and its relatives in the Hugging Face layout."""

from collections.abc import Iterator
from typing import Any

from torch import nn

from lingon.models.hub_weights import HubWeight

# Our modules, and theirs.
WHOLE = {
    "embedding": "shared",
    "source_positions": "encoder.embed_positions",
    "positions": "decoder.embed_positions",
    "source_embedding_norm": "encoder.layernorm_embedding",
    "embedding_norm": "decoder.layernorm_embedding",
    "encoder_norm": "encoder.layer_norm",
    "decoder_norm": "decoder.layer_norm",
}
SEPARATE = {"embedding": "decoder.embed_tokens", "source_embedding": "encoder.embed_tokens"}
PARTS = {
    "attention.qkv": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "attention.out": ("self_attn.out_proj",),
    "cross_attention.q": ("encoder_attn.q_proj",),
    "cross_attention.kv": ("encoder_attn.k_proj", "encoder_attn.v_proj"),
    "cross_attention.out": ("encoder_attn.out_proj",),
    "feed_forward.up": ("fc1",),
    "feed_forward.down": ("fc2",),
    "around_attention": ("self_attn_layer_norm",),
    "around_cross_attention": ("encoder_attn_layer_norm",),
    "around_feed_forward": ("final_layer_norm",),
}


def bart_weights(model: nn.Module) -> Iterator[HubWeight]:
    """Yield each weight of BART or a relative with its name in checkpoints. A tied output matrix is not stored."""
    of_model: Any = model
    whole = WHOLE if of_model.source_embedding is of_model.embedding else WHOLE | SEPARATE
    for name, tensor in model.named_parameters():
        module, _, kind = name.rpartition(".")
        if name == "output_bias":
            yield HubWeight(name, ("final_logits_bias",), (1,))
        elif module == "output":
            yield HubWeight(name, (f"lm_head.{kind}",), (len(tensor),))
        elif module in whole:
            yield HubWeight(name, (f"model.{whole[module]}.{kind}",), (len(tensor),))
        else:
            side, layer, part = module.split(".", 2)
            theirs = PARTS[part.removesuffix(".pre_norm").removesuffix(".post_norm")]
            names = tuple(f"model.{side}.layers.{layer}.{each}.{kind}" for each in theirs)
            yield HubWeight(name, names, (len(tensor) // len(theirs),) * len(theirs))
