"""Search over texts: an index of a folder, BM25, vectors, and both together."""

from lingon.search.bm25 import BM25
from lingon.search.documents import Passage, ReadSettings
from lingon.search.encoder import TextEncoder
from lingon.search.fusion import reciprocal_rank_fusion
from lingon.search.index import Hit, Index

__all__ = ["BM25", "Hit", "Index", "Passage", "ReadSettings", "TextEncoder", "reciprocal_rank_fusion"]
