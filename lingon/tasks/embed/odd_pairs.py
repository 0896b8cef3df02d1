"""The pairs whose vectors are farthest from their target: too near or too far for their score, or found too late."""

from typing import Any, NamedTuple

import numpy as np

from lingon.core.shapes import Float
from lingon.data.text_pairs import PositivePairs, ScoredPairs
from lingon.metrics.correlation import ranks
from lingon.tasks.embed.scoring import Scoring, positive_ranks


class OddPair(NamedTuple):
    """A pair with its cosine, and its score or the rank of its second text."""

    first: str
    second: str
    said: str


def odd_pairs(examples: Any, scoring: Scoring, vectors: Float[np.ndarray, "n D"], most: int = 20) -> list[OddPair]:
    """Return the pairs that are judged least well, the worst first. vectors: of the texts of `scoring`, of length 1."""
    place = {text: i for i, text in enumerate(scoring.texts)}
    cosine = lambda a, b: float(vectors[place[a]] @ vectors[place[b]])
    if isinstance(examples, ScoredPairs):
        sides = list(zip(examples.first, examples.second, strict=True))
        cosines = [cosine(*pair) for pair in sides]
        off = np.abs(ranks(cosines) - ranks(examples.scores))
        worst = np.argsort(-off, kind="stable")[:most].tolist()
        said = [f"cosine {cosines[i]:.2f}, score {examples.scores[i]:g}" for i in worst]
        return [OddPair(sides[i][0], sides[i][1], one) for i, one in zip(worst, said, strict=True)]
    if isinstance(examples, PositivePairs):
        found = positive_ranks(examples)(vectors)
        worst = [i for i in np.argsort(-found, kind="stable")[:most].tolist() if found[i] > 1]
        sides = [(examples.anchors[i], examples.positives[i]) for i in worst]
        said = [f"cosine {cosine(*pair):.2f}, found at rank {found[i]:,}" for i, pair in zip(worst, sides, strict=True)]
        return [OddPair(*pair, line) for pair, line in zip(sides, said, strict=True)]
    return []
