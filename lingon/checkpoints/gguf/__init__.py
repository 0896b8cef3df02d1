"""GGUF files: a language model and its tokenizer in one file."""

__all__ = ["load", "save"]
