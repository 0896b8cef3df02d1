"""What is on disk and the objects that it becomes: bundles, checkpoints of the Hugging Face layout, GGUF files."""

__all__ = ["bundle", "gguf", "huggingface", "load"]
