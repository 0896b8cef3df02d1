"""Data: files and corpora become texts, texts become token ids, and those become batches."""

__all__ = [
    "batches",
    "corpora",
    "documents",
    "examples",
    "load_data",
    "load_tagged",
    "sources",
    "split",
    "tag_schemes",
    "tagged_sentences",
    "tokenizers",
    "words_of_text",
]
