"""Data: from files and corpora to texts, token ids and batches."""

__all__ = [
    "batches",
    "corpora",
    "documents",
    "examples",
    "load_data",
    "load_parallel",
    "load_tagged",
    "parallel_texts",
    "sources",
    "split",
    "tag_schemes",
    "tagged_sentences",
    "tokenizers",
    "words_of_text",
]
