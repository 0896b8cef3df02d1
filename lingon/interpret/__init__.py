"""Interpretation of models: attention maps, attribution of words, probes of layers, a word in its contexts."""

__all__ = ["attribution", "integrated_gradients", "layer_vectors", "page", "probes", "recording", "word_in_context"]
