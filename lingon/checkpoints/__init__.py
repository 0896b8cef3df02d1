"""Saves and loads models: bundles, checkpoints in the Hugging Face layout, GGUF files."""

__all__ = ["bundle", "gguf", "huggingface", "load"]
