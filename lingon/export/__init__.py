"""Export of trained models for other runtimes or languages, checked to give the same outputs."""

__all__ = ["hybridize", "portable"]
