"""The k best scores of an array, in an order that is the same on every machine."""

import numpy as np


def top_k(scores: np.ndarray, k: int, above: float = -np.inf) -> np.ndarray:
    """Return the positions of the k largest scores, best first; equal scores in the order of their positions.

    scores: [n]. above: only scores greater than this are returned, so that there may be fewer than k; NaN never is.

    >>> top_k(np.array([1.0, 3.0, 3.0, 2.0]), 3).tolist()
    [1, 2, 3]
    """
    kept = np.flatnonzero(scores > above)
    if 0 < k < len(kept):
        # Keep all scores equal to the k-th; argpartition would keep arbitrary ones.
        worst = np.partition(scores[kept], len(kept) - k)[len(kept) - k]
        kept = kept[scores[kept] >= worst]
    return kept[np.argsort(-scores[kept], kind="stable")][: max(k, 0)]
