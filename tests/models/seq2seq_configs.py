"""Tiny configurations of every family of encoder-decoders. Every size is its own prime where it can be."""

import torch

IDS = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
BART = {
    "model_type": "bart",
    "vocab_size": 89,
    "d_model": 30,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "encoder_attention_heads": 5,
    "decoder_attention_heads": 3,
    "encoder_ffn_dim": 37,
    "decoder_ffn_dim": 41,
    "max_position_embeddings": 61,
    "decoder_start_token_id": 2,
    "forced_eos_token_id": 2,
    **IDS,
}
T5 = {
    "model_type": "t5",
    "vocab_size": 89,
    "d_model": 26,
    "d_kv": 7,
    "d_ff": 37,
    "num_layers": 2,
    "num_decoder_layers": 3,
    "num_heads": 5,
    "relative_attention_num_buckets": 10,
    "relative_attention_max_distance": 23,
    "layer_norm_epsilon": 1e-4,
    "decoder_start_token_id": 0,
    "pad_token_id": 0,
    "eos_token_id": 1,
}
GATED = T5 | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}
MARIAN = BART | {
    "model_type": "marian",
    "activation_function": "swish",
    "scale_embedding": True,
    "static_position_embeddings": True,
    "pad_token_id": 88,
    "eos_token_id": 0,
    "bos_token_id": None,
    "decoder_start_token_id": 88,
    "forced_eos_token_id": 0,
}
SEPARATE = MARIAN | {"share_encoder_decoder_embeddings": False, "decoder_vocab_size": 89}
CONFIGS = {
    "t5": T5,
    "t5, v1.1": GATED,
    "mt5": GATED | {"model_type": "mt5"},
    "bart": BART,
    "mbart": BART | {"model_type": "mbart", "scale_embedding": True, "activation_function": "relu"},
    "marian": MARIAN,
    "marian, two vocabularies": SEPARATE,
    "m2m_100": BART | {"model_type": "m2m_100", "activation_function": "relu", "scale_embedding": True},
}


def cases_of(config):
    """Sources and targets: without padding, with padding, and as long as the context."""
    draw = torch.Generator().manual_seed(0)
    found = []
    for source, target, lengths in (
        (17, 13, None),
        (19, 11, (19, 7, 2)),
        (config.get("max_position_embeddings", 71), 59, (59, 3)),
    ):
        rows = 3 if lengths is None else len(lengths)
        ids = torch.randint(3, 80, (rows, source), generator=draw)
        mask = torch.arange(source) < torch.tensor(lengths or [source] * rows)[:, None]
        said = torch.randint(3, 80, (rows, target), generator=draw)
        said[:, 0] = config["decoder_start_token_id"]
        found.append({"source": torch.where(mask, ids, config["pad_token_id"]), "mask": mask, "target": said})
    return found
