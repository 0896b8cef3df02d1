"""The best k of a row of scores, in an order that is the same on every machine."""

import numpy as np


def top_k(scores: np.ndarray, k: int, above: float = -np.inf) -> np.ndarray:
    """Return the places of the k largest scores, best first; equal scores come in the order of their places.

    scores: [n]. above: a score that is not larger than this is no answer, so that fewer than k may be found; NaN never
    is one.

    >>> top_k(np.array([1.0, 3.0, 3.0, 2.0]), 3).tolist()
    [1, 2, 3]
    """
    kept = np.flatnonzero(scores > above)
    if 0 < k < len(kept):
        # All that are as good as the k-th, of which argpartition would keep any.
        worst = np.partition(scores[kept], len(kept) - k)[len(kept) - k]
        kept = kept[scores[kept] >= worst]
    return kept[np.argsort(-scores[kept], kind="stable")][: max(k, 0)]
