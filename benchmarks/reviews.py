"""Film reviews as both sides of a measurement get them: the same texts, the same vocabulary, the same ids."""

from collections.abc import Sequence
from typing import Any

import lingon
from lingon.core.seed import derive
from lingon.data.examples import Examples
from lingon.data.tokenizers import Tokenizer, words

VOCAB = 30_000
LABELS = ("negative", "positive")


def imdb():
    """The splits of the reviews that every comparison uses."""
    return lingon.load_data("imdb")


def tokenizer_of(train: Examples) -> Tokenizer:
    """The 30,000 most frequent lower-cased words of the training reviews."""
    return words(train.texts, max_size=VOCAB)


def sample(examples: Examples, count: int, purpose: str) -> Examples:
    """So many examples, always the same ones, in an order that has nothing to do with their labels."""
    order = sorted(range(len(examples)), key=lambda i: derive(0, purpose, i))
    return examples[order[:count]]


def mixed(examples: Examples) -> Examples:
    """All of them, in such an order."""
    return sample(examples, len(examples), "order")


def texts_of(examples: Examples) -> dict[str, list[str]]:
    """Texts and labels, as a JSON file can hold them."""
    return {"texts": examples.texts, "labels": examples.labels}


def encoded(tokenizer: Tokenizer, examples: Examples, length: int) -> dict[str, Any]:
    """Ids of each text, at most `length` of them, and the class numbers."""
    ids = [row[:length] for row in tokenizer.encode_batch(examples.texts)]
    return {"ids": ids, "labels": [LABELS.index(label) for label in examples.labels]}


def mean_length(ids: Sequence[Sequence[int]]) -> float:
    return sum(map(len, ids)) / len(ids)
