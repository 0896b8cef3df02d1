"""Reciprocal rank fusion: several rankings combined into one."""

from collections.abc import Sequence

import numpy as np

from lingon.search.top import top_k

RRF_K = 20  # chosen on half of Cranfield's queries, see docs/decisions/012-search.md; the paper has 60
DEPTH = 200  # passages of each ranking that are fused


def reciprocal_rank_fusion(rankings: Sequence[np.ndarray], count: int, k: int = RRF_K) -> tuple[np.ndarray, np.ndarray]:
    """Return the fused ranking: rows, best first, and their scores, the sum over rankings of 1 / (k + rank).

    rankings: rows of each, best first; a row missing from a ranking gets nothing from it. count: the total number of
    rows. Source: "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods" (Cormack, Clarke
    and Büttcher, SIGIR 2009). It does not need scores on a common scale, which BM25 and cosines do not have.

    >>> rows, scores = reciprocal_rank_fusion([np.array([4, 2]), np.array([2, 0])], count=5, k=60)
    >>> rows.tolist(), scores.tolist() == [1 / 62 + 1 / 61, 1 / 61, 1 / 62]
    ([2, 4, 0], True)
    """
    scores = np.zeros(count)
    for rows in rankings:
        scores[rows] += 1 / (k + 1 + np.arange(len(rows)))
    best = top_k(scores, count, above=0)
    return best, scores[best]
