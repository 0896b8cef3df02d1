"""Tiny configurations of ALBERT, MPNet, DeBERTa and ModernBERT, with each part that changes what is computed."""

from typing import Any

S, F = "sliding_attention", "full_attention"
SIZES = {
    "vocab_size": 89,
    "hidden_size": 30,
    "intermediate_size": 37,
    "num_hidden_layers": 3,
    "num_attention_heads": 5,
    "max_position_embeddings": 67,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.2,
}
ALBERT = SIZES | {"model_type": "albert", "embedding_size": 14, "type_vocab_size": 2}
MPNET = SIZES | {"model_type": "mpnet"}
# As DeBERTa-v3 is published; of v2 the largest have a convolution, and the first had matrices of their own for
# distances.
DEBERTA = SIZES | {
    "model_type": "deberta-v2",
    "relative_attention": True,
    "position_buckets": 8,
    "max_relative_positions": -1,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": "p2c|c2p",
    "position_biased_input": False,
    "type_vocab_size": 0,
}
OWN = {"share_att_key": False, "norm_rel_ebd": "none"}
MODERNBERT = {
    "model_type": "modernbert",
    "vocab_size": 89,
    "hidden_size": 30,
    "intermediate_size": 37,
    "num_hidden_layers": 4,
    "num_attention_heads": 5,
    "max_position_embeddings": 67,
    "local_attention": 11,
    "pad_token_id": 0,
}
ROPE = {
    F: {"rope_type": "linear", "rope_theta": 1000.0, "factor": 3.0},
    S: {"rope_type": "default", "rope_theta": 50.0},
}
CONFIGS: dict[str, dict[str, Any]] = {
    "albert": ALBERT,
    "albert, groups": ALBERT | {"num_hidden_layers": 5, "num_hidden_groups": 2, "inner_group_num": 2},
    "albert, one width": ALBERT | {"embedding_size": 30, "hidden_act": "gelu", "layer_norm_eps": 0.01},
    "albert, three types": ALBERT | {"type_vocab_size": 3, "hidden_act": "relu"},
    "mpnet": MPNET,
    "mpnet, other sums": MPNET | {"hidden_act": "relu", "layer_norm_eps": 0.01},
    "deberta": DEBERTA,
    "deberta, far": DEBERTA | {"position_buckets": -1, "max_relative_positions": 7},
    "deberta, wide buckets": DEBERTA | {"position_buckets": 40, "max_relative_positions": 26},
    "deberta, own matrices": DEBERTA | OWN | {"pos_att_type": ["c2p", "p2c"]},
    "deberta, c2p": DEBERTA | OWN | {"pos_att_type": ["c2p"], "hidden_act": "gelu_new"},
    "deberta, p2c": DEBERTA | {"pos_att_type": ["p2c"], "layer_norm_eps": 0.01},
    "deberta, types": DEBERTA | {"type_vocab_size": 2, "position_biased_input": True},
    "deberta, projected": DEBERTA | {"embedding_size": 14, "position_biased_input": True},
    "deberta, n-grams": DEBERTA | {"conv_kernel_size": 3, "conv_act": "gelu"},
    "deberta, n-grams in groups": DEBERTA | {"conv_kernel_size": 5, "conv_groups": 3},
    "modernbert": MODERNBERT,
    "modernbert, biases": MODERNBERT | dict.fromkeys(("attention_bias", "mlp_bias", "norm_bias"), True),
    "modernbert, older keys": MODERNBERT
    | {"global_attn_every_n_layers": 2, "global_rope_theta": 500.0, "local_rope_theta": 20.0, "norm_eps": 0.01},
    "modernbert, layers": MODERNBERT
    | {"layer_types": [S, S, F, S], "rope_parameters": ROPE, "hidden_activation": "silu"},
    "modernbert, all far": MODERNBERT | {"layer_types": [F] * 4, "local_attention": 4},
}
