"""Turns the vectors of one training run so that they can be compared with those of another.

Source: Schönemann, "A Generalized Solution of the Orthogonal Procrustes Problem", 1966; for words of several years,
Hamilton, Leskovec, Jurafsky, "Diachronic Word Embeddings Reveal Statistical Laws of Semantic Change", 2016.
"""

from collections.abc import Sequence

import numpy as np

from lingon.core.errors import UserError
from lingon.core.shapes import Float
from lingon.word_vectors.queries.nearest import unit_rows
from lingon.word_vectors.word_vectors import WordVectors


def rotation(source: Float[np.ndarray, "n D"], target: Float[np.ndarray, "m E"]) -> Float[np.ndarray, "D D"]:
    """Compute the orthogonal R with the least ||source R - target||: U V from source' target = U S V."""
    if source.shape != target.shape:
        raise UserError(f"{list(source.shape)} and {list(target.shape)} cannot be aligned; expected the same shape")
    u, _, v = np.linalg.svd(source.astype(np.float64).T @ target.astype(np.float64))
    return u @ v


def shared_words(first: WordVectors, second: WordVectors, anchors: Sequence[str] | None = None) -> list[str]:
    """Return the words of both, in the order of the first or of the anchors. Raises UserError where there are none."""
    words = [word for word in (first if anchors is None else anchors) if word in first and word in second]
    if not words and anchors is not None:
        raise UserError(f"none of {len(anchors):,} anchors is in both; expected words that both have, in their casing")
    if not words:
        raise UserError("the two have no word in common; expected vectors of the same language and casing")
    return words


def align(source: WordVectors, target: WordVectors, anchors: Sequence[str] | None = None) -> WordVectors:
    """`source` turned onto `target`: lengths and cosines within it stay as they are.

    anchors: the words that the turn is fitted to; all that both have when not given. All vectors count alike, because
    they are taken with length 1.
    """
    if source.width != target.width:
        raise UserError(f"vectors of width {source.width} and {target.width} cannot be aligned; train with one width")
    words = shared_words(source, target, anchors)
    turn = rotation(unit_rows(source.of(words)), unit_rows(target.of(words)))
    table = np.concatenate([source.table[i : i + 65_536] @ turn for i in range(0, len(source), 65_536)])
    return WordVectors(source.words, table.astype(np.float32))


def self_similarity(
    first: WordVectors, second: WordVectors, words: Sequence[str] | None = None
) -> list[tuple[str, float]]:
    """Return the cosine of each shared word with itself in the other, the most changed first. Align them before."""
    words = shared_words(first, second, words)
    cosines = np.einsum("nd,nd->n", unit_rows(first.of(words)), unit_rows(second.of(words)))
    return [(words[i], float(cosines[i])) for i in np.argsort(cosines, kind="stable")]
