"""Thresholds of probabilities: those that find the labels of validation texts best, by F1."""

import numpy as np

from lingon.core.shapes import Bool, Float

ENOUGH = 10  # texts that have a label: of fewer, its own threshold would be chance


def best_threshold(probabilities: Float[np.ndarray, " n"], true: Bool[np.ndarray, " n"]) -> float:
    """Return the threshold with the highest F1, in the middle between two probabilities; a half without a positive."""
    if not true.any():
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    found, hits = probabilities[order], np.cumsum(true[order])
    f1 = 2 * hits / (np.arange(1, len(found) + 1) + hits[-1])
    f1[:-1][found[:-1] == found[1:]] = -1  # no threshold parts equal probabilities
    best = int(f1.argmax())
    below = found[best + 1] if best + 1 < len(found) else 0.0
    return float((found[best] + below) / 2)


def fitted_thresholds(probabilities: Float[np.ndarray, "n C"], true: Bool[np.ndarray, "n C"]) -> list[float]:
    """Return a threshold for each label: its own, or the common one where too few texts have the label.

    The common one has the highest F1 over all labels together (micro F1; Yang 2001, "A Study on Thresholding
    Strategies for Text Categorization", calls the others SCut).
    """
    common = best_threshold(probabilities.ravel(), true.ravel())
    own = [
        best_threshold(probabilities[:, c], true[:, c]) if true[:, c].sum() >= ENOUGH else common
        for c in range(true.shape[1])
    ]
    return _better(probabilities, true, own, [common] * len(own))


def _better(probabilities: np.ndarray, true: np.ndarray, own: list[float], common: list[float]) -> list[float]:
    """Of two lists of thresholds the one with the higher micro F1: what finds one label best may cost the others."""
    sets = (probabilities >= own, probabilities >= common)
    f1 = [2 * (found & true).sum() / max(1, found.sum() + true.sum()) for found in sets]
    return own if f1[0] >= f1[1] else common
