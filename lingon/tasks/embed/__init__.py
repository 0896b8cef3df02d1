"""Texts as vectors: an encoder, its tokenizer, and how the vectors of tokens become one."""

from lingon.tasks.embed.embedder import Embedder, Embedding

TASK = Embedder

__all__ = ["TASK", "Embedder", "Embedding"]
