"""BERT and its relatives in the Hugging Face layout: keys of config.json, and names of weights."""

from collections.abc import Iterator
from typing import Any

from torch import nn

from lingon.models.hub_weights import HubWeight

# Our modules inside a block, and theirs.
BERT_PARTS = {
    "attention.out": "attention.output.dense",
    "around_attention.post_norm": "attention.output.LayerNorm",
    "feed_forward.up": "intermediate.dense",
    "feed_forward.down": "output.dense",
    "around_feed_forward.post_norm": "output.LayerNorm",
}
DISTILBERT_PARTS = {
    "attention.out": "attention.out_lin",
    "around_attention.post_norm": "sa_layer_norm",
    "feed_forward.up": "ffn.lin1",
    "feed_forward.down": "ffn.lin2",
    "around_feed_forward.post_norm": "output_layer_norm",
}
WHOLE = {
    "embedding": "embeddings.word_embeddings",
    "positions": "embeddings.position_embeddings",
    "token_types": "embeddings.token_type_embeddings",
    "embedding_norm": "embeddings.LayerNorm",
    "projection": "embeddings_project",
}
QKV, DISTILBERT_QKV = ("self.query", "self.key", "self.value"), ("q_lin", "k_lin", "v_lin")


def bert_config(model: nn.Module) -> dict[str, Any]:
    """Return the config.json of a BERT trained here."""
    bert: Any = model
    sizes = dict(bert.config())
    names = {
        "vocab_size": "vocab_size",
        "hidden_size": "width",
        "num_hidden_layers": "depth",
        "num_attention_heads": "heads",
        "intermediate_size": "ffn_width",
        "max_position_embeddings": "context_length",
        "layer_norm_eps": "epsilon",
        "hidden_dropout_prob": "dropout",
        "attention_probs_dropout_prob": "dropout",
    }
    found = {theirs: sizes[ours] for theirs, ours in names.items()}
    return {"model_type": "bert", **found, "type_vocab_size": 2, "hidden_act": "gelu"}


def bert_weights(model: nn.Module) -> Iterator[HubWeight]:
    """Yield each weight of the encoder, without heads, with its name in checkpoints of its family."""
    bert: Any = model
    distilbert = bert.config().get("model_type") == "distilbert"
    layers = "transformer.layer" if distilbert else "encoder.layer"
    parts, qkv = (DISTILBERT_PARTS, DISTILBERT_QKV) if distilbert else (BERT_PARTS, QKV)
    for name, tensor in model.named_parameters():
        module, _, kind = name.rpartition(".")
        if module in WHOLE:
            yield HubWeight(name, (f"{WHOLE[module]}.{kind}",), (len(tensor),))
            continue
        _, layer, part = module.split(".", 2)
        at = f"{layers}.{layer}"
        if part == "attention.qkv":
            theirs = tuple(f"{at}.attention.{each}.{kind}" for each in qkv)
            yield HubWeight(name, theirs, (len(tensor) // 3,) * 3)
        else:
            yield HubWeight(name, (f"{at}.{parts[part]}.{kind}",), (len(tensor),))
