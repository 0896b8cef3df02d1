"""Corpora by name: where each comes from, its licence, and how to read it."""

from lingon.data.corpora.load import load, load_vectors
from lingon.data.corpora.rows import CORPORA, VECTORS, Corpus, Vectors, find

__all__ = ["CORPORA", "VECTORS", "Corpus", "Vectors", "find", "load", "load_vectors"]
