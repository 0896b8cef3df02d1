"""Conversion of text to ids: the tokenizer, and the six ways to train one."""

from lingon.data.tokenizers import fork_safety  # noqa: F401, it is for what it does at once
from lingon.data.tokenizers.tokenizer import Tokenizer
from lingon.data.tokenizers.train import bpe, characters, spaces, unigram, wordpiece, words
from lingon.data.tokenizers.word_pieces import WordPieces, word_pieces

__all__ = [
    "Tokenizer",
    "WordPieces",
    "bpe",
    "characters",
    "spaces",
    "unigram",
    "word_pieces",
    "wordpiece",
    "words",
]
