"""Decoding: the choice of the next token by sampling, beam search, speculative decoding, or within a grammar."""

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
