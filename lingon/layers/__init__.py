"""Layers that several models share: attention, blocks, recurrent layers, embeddings, losses."""

__all__ = [
    "adaptive_softmax",
    "attention",
    "attention_mask",
    "biaffine",
    "conv",
    "dropout",
    "embedding",
    "feedforward",
    "kv_cache",
    "lora",
    "losses",
    "norm",
    "pooling",
    "recurrent",
    "recurrent_state",
    "residual",
    "rotary",
    "structured_attention",
    "transformer",
    "word_losses",
]
