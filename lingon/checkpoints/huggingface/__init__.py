"""Checkpoints of the Hugging Face layout: a folder of safetensors and JSON."""
