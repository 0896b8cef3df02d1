"""Files of word vectors: everyone's formats, told apart by what they hold; nothing in them is ever run."""

from lingon.word_vectors.files.fasttext import FastText, load_fasttext, save_fasttext
from lingon.word_vectors.files.loaded import Loaded
from lingon.word_vectors.files.open import IN_RUN, file_of, kind_of, load_vector_file
from lingon.word_vectors.files.save import check_target, save_vector_file
from lingon.word_vectors.files.subwords import Subwords

__all__ = [
    "IN_RUN",
    "FastText",
    "Loaded",
    "Subwords",
    "check_target",
    "file_of",
    "kind_of",
    "load_fasttext",
    "load_vector_file",
    "save_fasttext",
    "save_vector_file",
]
