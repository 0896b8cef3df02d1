"""Tiny configurations of every family of encoders, with each part that changes what is computed."""

from tests.models.newer_encoder_configs import CONFIGS

SIZES = {
    "vocab_size": 89,
    "hidden_size": 30,
    "intermediate_size": 37,
    "num_hidden_layers": 3,
    "num_attention_heads": 5,
    "max_position_embeddings": 41,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "type_vocab_size": 2,
    "pad_token_id": 0,
}
DISTILBERT = {"vocab_size": 89, "dim": 30, "hidden_dim": 37, "n_layers": 3, "n_heads": 5, "pad_token_id": 0}
ENCODERS = {
    "bert": {"model_type": "bert", **SIZES},
    "bert, tanh": {"model_type": "bert", **SIZES, "hidden_act": "gelu_new", "type_vocab_size": 3},
    "roberta": {"model_type": "roberta", **SIZES, "type_vocab_size": 1, "pad_token_id": 1},
    "xlm-roberta": {"model_type": "xlm-roberta", **SIZES, "type_vocab_size": 1, "pad_token_id": 3},
    "electra": {"model_type": "electra", **SIZES, "embedding_size": 13},
    "electra, wide": {"model_type": "electra", **SIZES, "embedding_size": 30},
    "distilbert": {"model_type": "distilbert", **DISTILBERT, "max_position_embeddings": 41},
    **CONFIGS,
}
