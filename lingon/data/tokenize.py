"""The door to everything that turns text into ids: the tokenizer and the six ways to make one."""

from lingon.data.tokenizer import Tokenizer
from lingon.data.train_tokenizers import bpe, characters, spaces, unigram, wordpiece, words

__all__ = ["Tokenizer", "bpe", "characters", "spaces", "unigram", "wordpiece", "words"]
