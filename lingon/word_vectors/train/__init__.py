"""The training of word vectors: counts, tables, and loops of their own, for speed."""
