"""Texts as vectors: an encoder, its tokenizer, and how the token vectors are pooled; trained on pairs."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lingon.tasks.embed.embedder import TASK, Embedder, Embedding

__all__ = ["TASK", "Embedder", "Embedding"]


def __getattr__(name: str) -> Any:
    """Import torch only when something is asked for, so that the settings are read without it."""
    if name in __all__:
        return getattr(import_module("lingon.tasks.embed.embedder"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
