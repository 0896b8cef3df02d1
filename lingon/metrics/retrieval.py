"""Retrieval metrics of rankings of documents: nDCG, MRR, MAP, recall and precision.

A ranking is a sequence of documents, best first; `relevant` has the relevance of the judged documents. Documents with a
relevance of 0 or less, and documents not judged, are not relevant. Without a relevant document each metric is NaN.
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.metrics.scores import Scores

Grade = int | float
CUT, RECALL_CUT = 10, 100  # cutoff ranks of `evaluate_rankings`, as in BEIR (Thakur et al. 2021)


def linear_gain(relevance: Grade) -> float:
    """Return the relevance itself as the gain of a document (Järvelin and Kekäläinen 2002; trec_eval)."""
    return max(0.0, float(relevance))


def exponential_gain(relevance: Grade) -> float:
    """Return 2^relevance - 1 as the gain of a document (Burges et al. 2005), which stresses the highest grades."""
    return 2.0 ** max(0.0, relevance) - 1


def ndcg(
    ranking: Sequence[Hashable],
    relevant: Mapping[Hashable, Grade],
    k: int = CUT,
    gain: Callable[[Grade], float] = linear_gain,
) -> float:
    """Return the normalised discounted cumulative gain of the first k: sum of gain / log2(rank + 1), over its maximum.

    The maximum is that of all judged documents, ordered by relevance.

    >>> ndcg(["b", "x", "a"], {"a": 2, "b": 1})  # (1/1 + 2/2) / (2/1 + 1/log2(3))
    0.7601...
    """
    gains = [gain(relevant.get(document, 0)) for document in _checked(ranking, k)]
    best = sorted(map(gain, relevant.values()), reverse=True)[:k]
    return _share(_discounted(gains), _discounted(best))


def reciprocal_rank(ranking: Sequence[Hashable], relevant: Mapping[Hashable, Grade], k: int | None = None) -> float:
    """Return 1 / the rank of the first relevant document among the first k (None: all); 0 if there is none."""
    found = (1 / rank for rank, hit in enumerate(_hits(ranking, relevant, k), 1) if hit)
    return next(found, 0.0) if _count(relevant) else math.nan


def average_precision(ranking: Sequence[Hashable], relevant: Mapping[Hashable, Grade], k: int | None = None) -> float:
    """Return the sum of precisions at the ranks of relevant documents, over the number of ALL relevant documents.

    A relevant document that was not found counts 0 (Manning, Raghavan and Schuetze 2008, section 8.4).

    >>> average_precision(["a", "x", "b"], {"a": 1, "b": 1, "c": 1})  # (1/1 + 2/3) / 3
    0.5555...
    """
    total, found = 0.0, 0
    for rank, hit in enumerate(_hits(ranking, relevant, k), 1):
        found += hit
        total += hit * found / rank
    return _share(total, _count(relevant))


def recall(ranking: Sequence[Hashable], relevant: Mapping[Hashable, Grade], k: int | None = None) -> float:
    """Return the fraction of relevant documents that are among the first k (None: all)."""
    return _share(sum(_hits(ranking, relevant, k)), _count(relevant))


def precision(ranking: Sequence[Hashable], relevant: Mapping[Hashable, Grade], k: int = CUT) -> float:
    """Return the fraction of the first k documents that are relevant; missing ones of a shorter ranking are not."""
    return sum(_hits(ranking, relevant, k)) / k if _count(relevant) else math.nan


def evaluate_rankings(
    rankings: Mapping[Any, Sequence[Hashable]], judgements: Mapping[Any, Mapping[Any, Grade]]
) -> Scores:
    """Return the metrics averaged over all queries with a relevant document; nDCG with linear gains is the main one.

    rankings: by query; a query without a ranking counts 0. judgements: by query, the relevance of documents.
    Raises UserError if no query has a relevant document.
    """
    asked = [(rankings.get(query, ()), judged) for query, judged in judgements.items() if _count(judged)]
    if not asked:
        raise UserError(
            f"none of {counted(len(judgements), 'query')} has a relevant document; there is nothing to score"
        )

    def mean(metric: Callable[..., float], *cut: int) -> float:
        return math.fsum(metric(ranking, judged, *cut) for ranking, judged in asked) / len(asked)

    return Scores(
        {
            "ndcg_at_10": mean(ndcg, CUT),
            "map": mean(average_precision),
            "mrr": mean(reciprocal_rank),
            "recall_at_100": mean(recall, RECALL_CUT),
            "precision_at_10": mean(precision, CUT),
        },
        main="ndcg_at_10",
    )


def _checked(ranking: Sequence[Hashable], k: int | None) -> Sequence[Hashable]:
    """Return the first k. Raises UserError for a document that occurs twice, which would be counted twice."""
    if k is not None and k < 1:
        raise UserError(f"the first {k} of a ranking; expected 1 or more")
    first = ranking[:k]
    if len(set(first)) < len(first):
        twice = next(document for i, document in enumerate(first) if document in first[:i])
        raise UserError(f"document {twice!r} comes twice in a ranking; give each once, at its best rank")
    return first


def _hits(ranking: Sequence[Hashable], relevant: Mapping[Hashable, Grade], k: int | None) -> list[bool]:
    return [relevant.get(document, 0) > 0 for document in _checked(ranking, k)]


def _count(relevant: Mapping[Hashable, Grade]) -> int:
    return sum(relevance > 0 for relevance in relevant.values())


def _discounted(gains: Sequence[Grade]) -> float:
    return math.fsum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


def _share(part: Grade, whole: Grade) -> float:
    return part / whole if whole else math.nan
