"""Decoding: which token comes next, by sampling, beam search, a draft model or a grammar."""

__all__ = [
    "beam",
    "beam_params",
    "constrained_beam",
    "contrastive",
    "decoder_protocol",
    "grammar",
    "logits_processors",
    "phrases",
    "request",
    "run",
    "sample",
    "sampling_params",
    "score_tokens",
    "spanning_tree",
    "speculative",
]
