"""The door to everything that turns text into ids: the tokenizer and the six ways to make one."""

from lingon.data.tokenizers import fork_safety  # noqa: F401, it is for what it does at once
from lingon.data.tokenizers.tokenizer import Tokenizer
from lingon.data.tokenizers.train import bpe, characters, spaces, unigram, wordpiece, words

__all__ = ["Tokenizer", "bpe", "characters", "spaces", "unigram", "wordpiece", "words"]
