"""What vectors of texts are worth, by the kind of examples: the texts to embed, and the scores of their vectors.

Vectors come in as rows of length 1, so a product of two is their cosine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.core.shapes import Float, Int
from lingon.data.corpora.retrieval import Collection
from lingon.data.examples import Examples
from lingon.data.pair_groups import PairGroups
from lingon.data.text_pairs import PairSplits, PositivePairs, ScoredPairs
from lingon.metrics.correlation import pearson, spearman
from lingon.metrics.retrieval import evaluate_rankings

AT_ONCE = 1024  # rows of a matrix of cosines
DEEP = 1000  # documents of a ranking that are scored, as in BEIR
Unit = Float[np.ndarray, "n D"]


@dataclass(frozen=True)
class Scoring:
    """The texts that examples are made of, each once, and the metrics of their vectors, which are rows of length 1.

    main: the metric that models are compared by; names: all of them.
    """

    texts: list[str]
    metrics: Callable[[Unit], dict[str, float]]
    names: tuple[str, ...]

    @property
    def main(self) -> str:
        return self.names[0]

    def of(self, vectors: Float[np.ndarray, "n D"], width: int | None = None) -> dict[str, float]:
        """Return the metrics of vectors, or of their first `width` numbers; NaN for vectors with a NaN in them."""
        vectors = vectors[:, :width]
        if not np.isfinite(vectors).all():
            return dict.fromkeys(self.names, float("nan"))
        return self.metrics(unit(vectors))


def unit(vectors: Float[np.ndarray, "n D"]) -> Unit:
    """Return rows of length 1; rows of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, np.finfo(np.float32).tiny)


def scoring_of(examples: Any) -> Scoring:
    """Return how examples are scored: pairs with scores or without, texts with labels, or a collection for search.

    Raises UserError for anything else, and for examples of which there are none.
    """
    makers: dict[type, Callable[[Any], Scoring]]
    makers = {ScoredPairs: _scored, PositivePairs: _positive, Examples: _labelled, Collection: _collection}
    for kind, make in makers.items():
        if isinstance(examples, kind):
            return make(examples)
    hint = "; give one part of it, such as splits.test" if isinstance(examples, PairSplits) else ""
    raise UserError(
        "evaluate takes ScoredPairs or PositivePairs (pairs of texts), Examples (texts with labels) or a Collection "
        f"(documents and queries), not {type(examples).__name__}{hint}"
    )


def _scored(pairs: ScoredPairs) -> Scoring:
    """Correlations of cosines with the scores: Spearman's of ranks, and Pearson's."""
    if not len(pairs):
        raise UserError("there are no pairs to evaluate on")
    texts, places = _distinct([*pairs.first, *pairs.second])
    first, second = places[: len(pairs)], places[len(pairs) :]

    def metrics(vectors: Unit) -> dict[str, float]:
        cosines = np.einsum("nd,nd->n", vectors[first], vectors[second]).tolist()
        return {"spearman": spearman(cosines, pairs.scores).rho, "pearson": pearson(cosines, pairs.scores)}

    return Scoring(texts, metrics, ("spearman", "pearson"))


def _positive(pairs: PositivePairs) -> Scoring:
    """How early each anchor finds its positive among all positives and negatives: mean 1 / rank, and how often first.

    A text that may belong to the anchor too, as it is in a pair with one of its texts, is passed over.
    """
    if not len(pairs):
        raise UserError("there are no pairs to evaluate on")
    ranks_of = positive_ranks(pairs)

    def metrics(vectors: Unit) -> dict[str, float]:
        ranks = ranks_of(vectors)
        return {"mrr": float((1 / ranks).mean()), "accuracy": float((ranks == 1).mean())}

    return Scoring(pair_texts(pairs), metrics, ("mrr", "accuracy"))


def pair_texts(pairs: PositivePairs) -> list[str]:
    """Return all texts of pairs, each once: those that are looked through, then anchors that are not among them."""
    return list(dict.fromkeys([*pairs.positives, *(text for some in pairs.negatives for text in some), *pairs.anchors]))


def positive_ranks(pairs: PositivePairs) -> Callable[[Unit], Int[np.ndarray, " N"]]:
    """Return a function of the vectors of `pair_texts`: the rank of each positive, from 1; ties count against it."""
    texts = pair_texts(pairs)
    place = {text: i for i, text in enumerate(texts)}
    candidates = len({*pairs.positives, *(text for some in pairs.negatives for text in some)})
    groups = PairGroups(zip(pairs.anchors, pairs.positives, strict=True))
    anchor, own = (np.array([place[text] for text in side]) for side in (pairs.anchors, pairs.positives))
    of_candidate = np.array([groups.of_text(text) for text in texts[:candidates]])
    negatives = [[place[text] for text in some] for some in pairs.negatives]

    def ranks(vectors: Unit) -> np.ndarray:
        found = np.empty(len(pairs), np.int64)
        for start in range(0, len(pairs), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            cosines = vectors[anchor[rows]] @ vectors[:candidates].T
            passed = of_candidate[None] == groups.of_pairs[rows, None]
            for row, some in enumerate(negatives[rows]):
                passed[row, some] = False  # its own negatives are none of its texts, whatever else they are in
            mine = np.take_along_axis(cosines, own[rows, None], 1)
            found[rows] = ((cosines >= mine) & ~passed).sum(1) + 1
        return found

    return ranks


def _labelled(examples: Examples) -> Scoring:
    """How often the nearest other text has the same label."""
    if len(examples) < 2:
        raise UserError(
            f"there are {counted(len(examples), 'text')} with labels; two or more are needed to compare them"
        )
    if examples.text_pairs is not None or not all(isinstance(label, str) for label in examples.labels):
        raise UserError("vectors are compared by single texts of one label each; these examples have others")
    texts, places = _distinct(examples.texts)
    labels = np.unique(np.array(examples.labels), return_inverse=True)[1]

    def metrics(vectors: Unit) -> dict[str, float]:
        right = 0
        for start in range(0, len(places), AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, len(places)))
            cosines = vectors[places[rows]] @ vectors[places].T
            cosines[np.arange(len(rows)), rows] = -np.inf
            right += int((labels[cosines.argmax(1)] == labels[rows]).sum())
        return {"accuracy": right / len(places)}

    return Scoring(texts, metrics, ("accuracy",))


def _collection(found: Collection) -> Scoring:
    """How well the documents nearest to each query answer it; see `lingon.metrics.retrieval`."""
    filled = [(d.number, f"{d.title} {d.text}".strip()) for d in found.documents if d.title.strip() or d.text.strip()]
    asked = {number: text for number, text in found.queries.items() if number in found.judgements}
    if not filled or not asked:
        raise UserError(
            f"{counted(len(filled), 'document')} and {counted(len(asked), 'query')} with "
            "judgements; there is nothing to search"
        )
    numbers = [number for number, _ in filled]
    judgements = {number: found.judgements[number] for number in asked}

    def metrics(vectors: Unit) -> dict[str, float]:
        queries, documents = vectors[len(filled) :], vectors[: len(filled)]
        rankings: dict[str, list[str]] = {
            number: [numbers[i] for i in row]
            for number, row in zip(asked, _nearest(queries, documents, DEEP), strict=True)
        }
        return dict(evaluate_rankings(rankings, judgements))

    names = ("ndcg_at_10", "map", "mrr", "recall_at_100", "precision_at_10")
    return Scoring([*(text for _, text in filled), *asked.values()], metrics, names)


def _nearest(queries: Float[np.ndarray, "q D"], documents: Unit, most: int) -> list[list[int]]:
    """Return the rows of the nearest documents of each query, nearest first; equal ones by row."""
    found: list[list[int]] = []
    for start in range(0, len(queries), AT_ONCE):
        cosines = queries[start : start + AT_ONCE] @ documents.T
        found += np.argsort(-cosines, axis=1, kind="stable")[:, :most].tolist()
    return found


def _distinct(texts: Sequence[str]) -> tuple[list[str], Int[np.ndarray, " N"]]:
    """Return each text once, and where each of the given ones is among them."""
    place = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    return list(place), np.array([place[text] for text in texts])
