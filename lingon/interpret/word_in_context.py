"""One word in several sentences: its vectors after each layer, and their similarity."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lingon.core.errors import UserError
from lingon.core.shapes import Float
from lingon.interpret.layer_vectors import find_word, span_vectors
from lingon.word_vectors.map_page import pca


@dataclass(frozen=True)
class WordInContext:
    """A word in n sentences. vectors: after each of L layers, starting with the embeddings [L, n, D]."""

    word: str
    sentences: tuple[str, ...]
    vectors: Float[np.ndarray, "L n D"]

    def cosines(self, layer: int = -1) -> Float[np.ndarray, "n n"]:
        """Return the cosine of each pair of occurrences."""
        x = self.vectors[layer].astype(np.float64)
        unit = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.finfo(np.float64).tiny)
        return unit @ unit.T

    def places(self, layer: int = -1) -> Float[np.ndarray, "n 2"]:
        """Return the occurrences projected to the plane: the first two principal components."""
        return pca(self.vectors[layer])

    def separation(self, senses: Sequence[str], layer: int = -1) -> float:
        """Return the mean cosine within a sense minus that between senses. senses: of each sentence.

        Raises UserError if no two sentences share a sense, or all do.
        """
        same = np.array([[a == b for b in senses] for a in senses])
        others = ~np.eye(len(senses), dtype=bool)
        if not (same & others).any() or same.all():
            raise UserError("give two senses or more, one of them twice; the senses are of sentences")
        cosines = self.cosines(layer)
        return float(cosines[same & others].mean() - cosines[~same].mean())


def word_in_context(task: Any, word: str, sentences: Sequence[str]) -> WordInContext:
    """Return the vectors of a word at its first occurrence in each sentence; for several pieces, their mean.

    Raises UserError for a sentence without the word. Source: the visualisation of senses is that of Coenen et al. 2019,
    "Visualizing and Measuring the Geometry of BERT", section 4.
    """
    spans = [find_word(sentence, word) for sentence in sentences]
    return WordInContext(word, tuple(sentences), span_vectors(task, sentences, spans))
