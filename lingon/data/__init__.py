"""Data: files and corpora become texts, texts become token ids, and those become batches."""

__all__ = ["batches", "corpora", "documents", "examples", "load_data", "sources", "split", "tokenizers"]
