"""Tasks: what a model is trained for, what it predicts and how that is scored."""

__all__ = [
    "answer",
    "chat",
    "classify",
    "embed",
    "heads",
    "language_model",
    "registry",
    "rewrite",
    "segment",
    "settings",
    "synthesize",
    "tag",
    "task",
    "training",
    "translate",
    "visual_answer",
]
