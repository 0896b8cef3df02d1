"""Which words decided: how far each word of a text moves the probability of its label."""

from dataclasses import dataclass
from typing import Any

import torch

from lingon.core.eval_view import eval_view
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.encoding import Cut, Encoded

LONGEST = 400  # words of a text that are looked at; each costs one more run of the model


@dataclass(frozen=True)
class Word:
    """A piece of a text [start, end) and its weight: the probability of the label with it less that without it.

    Of a regression it is the number with it less that without it.
    """

    start: int
    end: int
    weight: float


def deciding_words(classifier: Classifier, text: str, label: str | None) -> list[Word]:
    """The weight of each word for a label, by leaving the word out and asking the model again.

    A word of several pieces is left out whole; special tokens stay.
    Source: Li, Monroe, Jurafsky, "Understanding Neural Networks through Representation Erasure", 2016.
    It costs one run of the model per word, asks nothing of the model, and means the same for every model.
    """
    ids = classifier.encode([text])[0][:LONGEST]
    words = words_of(classifier, text, len(ids))
    if not words:
        return []
    without = [[token for i, token in enumerate(ids) if i not in pieces] for _, _, pieces in words]
    rows = Encoded([ids, *without], None, Cut(0, 0, 0, 0))
    strengths = classifier.targets.strengths(classifier.logits_of(rows), label)
    weights = (strengths[0] - strengths[1:]).tolist()
    return [Word(start, end, weight) for (start, end, _), weight in zip(words, weights, strict=True)]


def words_of(task: Any, text: str, tokens: int | None = None) -> list[tuple[int, int, list[int]]]:
    """Return the words of a text, as its tokenizer divides it: [start, end) in characters, and their tokens.

    tokens: of the text that count. Special tokens are of no word.
    """
    tokenizer, longest = task.tokenizer, task.max_length
    offsets = tokenizer.offsets(text, longest)[:tokens]
    found: dict[int, list[int]] = {}
    for i, word in enumerate(tokenizer.word_ids(text, longest)[:tokens]):
        if word is not None:
            found.setdefault(word, []).append(i)
    return [(offsets[pieces[0]][0], offsets[pieces[-1]][1], pieces) for pieces in found.values()]


def attended_words(classifier: Classifier, text: str) -> list[Word]:
    """The weight that a model with attention gives each word: its mean over the hops. Weights sum to 1."""
    ids = classifier.encode([text])[0]
    offsets = classifier.tokenizer.offsets(text, classifier.max_length)[: len(ids)]
    if not ids:
        return []
    row = torch.tensor([ids], device=classifier.device)
    with torch.inference_mode():
        weights = eval_view(classifier.model).attention(row, torch.ones_like(row, dtype=torch.bool))[0].mean(0).tolist()
    return [Word(start, end, weight) for (start, end), weight in zip(offsets, weights, strict=True)]


def strongest(text: str, words: list[Word], most: int = 5) -> list[tuple[str, float]]:
    """Return the words with the largest weights, either way, as the text writes them, each with its weight."""
    top = sorted(words, key=lambda word: -abs(word.weight))[:most]
    return [(text[word.start : word.end], round(word.weight, 4)) for word in top]
