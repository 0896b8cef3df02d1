"""Corpora by name: where each comes from, its licence, and how to read it."""

from lingon.data.corpora.catalogue import CORPORA, PICTURES, TEXTS, VECTORS, Corpus, PictureSet, Text, Vectors, find
from lingon.data.corpora.load import load, load_vectors
from lingon.data.corpora.pictures import Pictures, PictureSplits, load_pictures
from lingon.data.corpora.texts import load_text

__all__ = [
    "CORPORA",
    "PICTURES",
    "TEXTS",
    "VECTORS",
    "Corpus",
    "PictureSet",
    "PictureSplits",
    "Pictures",
    "Text",
    "Vectors",
    "find",
    "load",
    "load_pictures",
    "load_text",
    "load_vectors",
]
