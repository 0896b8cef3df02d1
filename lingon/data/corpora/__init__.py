"""Corpora by name: where each comes from, its licence, and how to read it."""

from lingon.data.corpora.load import load, load_vectors
from lingon.data.corpora.pictures import Pictures, PictureSplits, load_pictures
from lingon.data.corpora.rows import CORPORA, PICTURES, VECTORS, Corpus, PictureSet, Vectors, find

__all__ = [
    "CORPORA",
    "PICTURES",
    "VECTORS",
    "Corpus",
    "PictureSet",
    "PictureSplits",
    "Pictures",
    "Vectors",
    "find",
    "load",
    "load_pictures",
    "load_vectors",
]
