"""Corpora by name: source, licence, and parser."""

from lingon.data.corpora.catalogue import (
    CORPORA,
    PICTURES,
    TEXTS,
    VECTORS,
    Corpus,
    PictureSet,
    PretrainedVectors,
    Text,
    find_corpus,
)
from lingon.data.corpora.load import load_corpus, load_vectors
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
    "PretrainedVectors",
    "Text",
    "find_corpus",
    "load_corpus",
    "load_pictures",
    "load_text",
    "load_vectors",
]
