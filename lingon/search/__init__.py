"""Search over texts: an index of a folder, searched by BM25, by vectors, or by both (hybrid search)."""

from lingon.search.bm25 import BM25
from lingon.search.documents import Passage, ReadSettings
from lingon.search.encoder import TextEncoder
from lingon.search.fusion import reciprocal_rank_fusion
from lingon.search.index import Hit, Index

__all__ = ["BM25", "Hit", "Index", "Passage", "ReadSettings", "TextEncoder", "reciprocal_rank_fusion"]
