"""Checkpoints in the Hugging Face layout: a folder of safetensors and JSON."""

__all__ = ["load", "save"]
