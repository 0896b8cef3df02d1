"""Tiny configurations of every family, with each part that changes what is computed. Every size is its own prime."""

SIZES = {
    "vocab_size": 89,
    "hidden_size": 30,
    "intermediate_size": 37,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 14,
    "max_position_embeddings": 61,
    "rms_norm_eps": 1e-5,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
PLAIN = {"rope_type": "default", "rope_theta": 1000.0}
LINEAR = {"rope_type": "linear", "rope_theta": 1000.0, "factor": 3.0}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 1000.0,
    "factor": 5.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 23,
}
# Of the seven pairs of a head the first keeps its turns, from the fifth on they are slowed, and between are mixtures.
YARN = {
    "rope_type": "yarn",
    "rope_theta": 100.0,
    "factor": 4.0,
    "beta_fast": 3.0,
    "beta_slow": 0.5,
    "original_max_position_embeddings": 29,
}
GPT2 = {
    "model_type": "gpt2",
    "vocab_size": 89,
    "n_embd": 30,
    "n_layer": 3,
    "n_head": 5,
    "n_positions": 61,
    "layer_norm_epsilon": 1e-4,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
S, F = "sliding_attention", "full_attention"


def made(family, tied=False, **more):
    return {"model_type": family, **SIZES, "rope_parameters": PLAIN, "tie_word_embeddings": tied, **more}


GEMMA = {"query_pre_attn_scalar": 11, "sliding_window": 5, "layer_types": [S, F, S]}
CONFIGS = {
    "gpt2": GPT2,
    "gpt2, untied": {**GPT2, "tie_word_embeddings": False, "n_inner": 41},
    "llama": made("llama"),
    "llama, tied": made("llama", tied=True, head_dim=10, num_attention_heads=3, num_key_value_heads=1),
    "llama, biases": made("llama", attention_bias=True, mlp_bias=True),
    "llama, linear": made("llama", rope_parameters=LINEAR),
    "llama 3": made("llama", rope_parameters=LLAMA3),
    "llama, yarn": made("llama", rope_parameters=YARN),
    "llama, yarn, two scales": made(
        "llama", rope_parameters=YARN | {"mscale": 0.7, "mscale_all_dim": 1.3, "truncate": False}
    ),
    "qwen2, yarn, as published": made(
        "qwen2",
        rope_parameters=None,
        rope_theta=1000.0,
        rope_scaling={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 31},
    ),
    "qwen3, yarn": made("qwen3", rope_parameters=YARN | {"attention_factor": 1.7}),
    "mistral": made("mistral", sliding_window=7),
    "mistral, no window": made("mistral", sliding_window=None),
    "mistral, some windows": made("mistral", sliding_window=5, layer_types=[F, S, F]),
    "qwen2": made("qwen2", tied=True),
    "qwen2, windows": made("qwen2", use_sliding_window=True, sliding_window=7, layer_types=[F, S, S]),
    "qwen3": made("qwen3"),
    "qwen3, windows": made(
        "qwen3", tied=True, use_sliding_window=True, sliding_window=3, layer_types=[S, F, S], attention_bias=True
    ),
    "gemma2": made("gemma2", tied=True, attn_logit_softcapping=5.0, final_logit_softcapping=3.0, **GEMMA),
    "gemma2, no caps": made("gemma2", attn_logit_softcapping=None, final_logit_softcapping=None, **GEMMA),
    "gemma3": made("gemma3_text", tied=True, **GEMMA | {"rope_parameters": {F: LINEAR, S: PLAIN}}),
    "gemma3, cap": made(
        "gemma3_text", final_logit_softcapping=3.0, **GEMMA | {"rope_parameters": {F: LLAMA3, S: LINEAR}}
    ),
}
