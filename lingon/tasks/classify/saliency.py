"""Which words mattered: how far each word of a text moves the probability of its label."""

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

    Of a regression it is the number with it less that without it. side: of a pair, 0 for the first text, 1 for the
    second.
    """

    start: int
    end: int
    weight: float
    side: int = 0


@dataclass(frozen=True)
class WordTokens:
    """A word of a text, or of one of a pair: where it stands [start, end), and the places of its tokens."""

    side: int
    start: int
    end: int
    tokens: list[int]


def deciding_words(classifier: Classifier, text: Any, label: str | None) -> list[Word]:
    """The weight of each word of a text, or of a pair, for a label, by leaving it out and asking the model again.

    A word of several pieces is left out whole; special tokens stay.
    Source: Li, Monroe, Jurafsky, "Understanding Neural Networks through Representation Erasure", 2016.
    It costs one run of the model per word, asks nothing of the model, and means the same for every model.
    """
    found = classifier.encoded([text])
    longest = None if isinstance(text, tuple) else LONGEST
    ids, types = found.ids[0][:longest], found.token_types
    words = input_words(classifier, text, len(ids))[:LONGEST]
    if not words:
        return []
    rows = [[i for i in range(len(ids)) if i not in left_out] for left_out in [[], *(word.tokens for word in words)]]
    of_types = None if types is None else [[types[0][i] for i in row] for row in rows]
    encoded = Encoded([[ids[i] for i in row] for row in rows], of_types, Cut(0, 0, 0, 0))
    strengths = classifier.targets.strengths(classifier.logits_of(encoded), label)
    weights = (strengths[0] - strengths[1:]).tolist()
    return [Word(word.start, word.end, weight, word.side) for word, weight in zip(words, weights, strict=True)]


def input_words(task: Any, given: Any, tokens: int | None = None) -> list[WordTokens]:
    """Return the words of a text, or of both texts of a pair, in the order of their tokens; see `words_of`."""
    if not isinstance(given, tuple):
        return [WordTokens(0, *word) for word in words_of(task, given, tokens)]
    row = task.tokenizer.pair_tokens(*given, task.max_length)
    found: dict[tuple[int, int], list[int]] = {}
    for i, token in enumerate(row):
        if token.side is not None and token.word is not None:
            found.setdefault((token.side, token.word), []).append(i)
    return [WordTokens(side, row[at[0]].start, row[at[-1]].end, at) for (side, _), at in found.items()]


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


def strongest(text: Any, words: list[Word], most: int = 5) -> list[tuple[str, float]]:
    """Return the words with the largest weights, either way, as the text, or the pair, writes them, with its weight."""
    sides = text if isinstance(text, tuple) else (text,)
    top = sorted(words, key=lambda word: -abs(word.weight))[:most]
    return [(sides[word.side][word.start : word.end], round(word.weight, 4)) for word in top]
