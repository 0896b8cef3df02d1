"""Export: a trained model for another runtime or language, checked to say the same."""

__all__ = ["hybridize", "portable"]
