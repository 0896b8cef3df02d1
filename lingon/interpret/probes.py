"""Probes: how well a linear classifier predicts labels, and random ones, from the hidden states of each layer."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int
from lingon.interpret.layer_vectors import span_vectors, text_vectors
from lingon.interpret.logistic_regression import LogisticRegression

HELD_OUT = 0.25  # share of the examples that a probe is evaluated on


class Probe(NamedTuple):
    """Result of probing a layer. layer: 0 is the embeddings. accuracy: on held-out examples.

    control: the same with random labels, one for each type (Hewitt and Liang 2019); accuracy - control is the
    selectivity: what the layer encodes beyond what a probe can memorize. majority: share of the most frequent label.
    """

    layer: int
    accuracy: float
    control: float
    majority: float

    @property
    def selectivity(self) -> float:
        """Return accuracy - control."""
        return self.accuracy - self.control


def probe_texts(task: Any, texts: Sequence[str], labels: Sequence[str], seed: int = 0) -> list[Probe]:
    """Return how well the labels of texts can be predicted from the mean of their tokens after each layer.

    In the control task every text is a type of its own, so that its label cannot be predicted. Raises UserError for
    fewer than two labels.
    """
    return probe(text_vectors(task, texts), labels, list(texts), seed)


def probe_words(
    task: Any, sentences: Sequence[Sequence[str]], labels: Sequence[Sequence[str]], seed: int = 0
) -> list[Probe]:
    """Return how well the labels of words, such as parts of speech, can be predicted from their tokens in each layer.

    sentences, labels: the words of each sentence, and a label for each. In the control task all occurrences of a word
    have the same random label.
    """
    if [len(s) for s in sentences] != [len(each) for each in labels]:
        raise UserError("each word needs a label; some sentence has more words than labels, or fewer")
    texts, spans = [], []
    for words in sentences:
        text, end = " ".join(words), 0
        for word in words:
            texts.append(text)
            spans.append((end, end + len(word)))
            end += len(word) + 1
    types = [word.lower() for words in sentences for word in words]
    return probe(span_vectors(task, texts, spans), [label for each in labels for label in each], types, seed)


def probe(
    vectors: Float[np.ndarray, "L n D"], labels: Sequence[str], types: Sequence[str], seed: int = 0
) -> list[Probe]:
    """Return the accuracy of a linear probe of each layer, on a quarter of the examples, drawn by the seed."""
    names = sorted(set(labels))
    if len(names) < 2:
        raise UserError(f"a probe needs two or more labels, not {names}")
    draw = np.random.default_rng(seed)
    true = np.array([names.index(label) for label in labels])
    random = _control(true, types, draw)
    order = draw.permutation(len(true))
    test = order[: max(1, round(HELD_OUT * len(true)))]
    train = order[len(test) :]
    majority = float((true[test] == np.bincount(true[train]).argmax()).mean())
    scores = [[_accuracy(layer, y, train, test, len(names)) for y in (true, random)] for layer in vectors]
    return [Probe(i, accuracy, control, majority) for i, (accuracy, control) in enumerate(scores)]


def _control(true: Int[np.ndarray, " n"], types: Sequence[str], draw: np.random.Generator) -> Int[np.ndarray, " n"]:
    """Return a random label for each type, drawn from the distribution of the labels."""
    number = {name: i for i, name in enumerate(dict.fromkeys(types))}
    return draw.choice(true, len(number))[[number[name] for name in types]]


def _accuracy(layer: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray, classes: int) -> float:
    mean, std = layer[train].mean(0), layer[train].std(0) + 1e-6
    x, numbers = torch.from_numpy((layer - mean) / std), torch.from_numpy(y)
    found = LogisticRegression(classes).fit(x[train], numbers[train])
    return found.accuracy(x[test], numbers[test])
