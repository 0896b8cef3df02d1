"""Word vectors: trained, read from files and written to them, and asked."""

__all__ = ["files", "queries", "word_vectors"]
