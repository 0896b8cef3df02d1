"""Whether two sets of logits give the same answers: asked of a model that is computed with fewer bits."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lingon.tasks.task import Prediction

NEAR = 0.01  # of the standard deviation of exact numbers, within which a predicted number is the same


def share_of_same_answers(exact: Sequence[Prediction], approximate: Sequence[Prediction]) -> float:
    """Return the share of predictions with the same answer: label, labels, or nearly the same number."""
    ours, theirs = ([_answer(found) for found in each] for each in (exact, approximate))
    if isinstance(ours[0], float):
        first, second = np.array(ours), np.array(theirs)
        return float((np.abs(first - second) <= NEAR * first.std()).mean())
    return sum(a == b for a, b in zip(ours, theirs, strict=True)) / len(ours)


def _answer(found: Prediction) -> Any:
    """Return what was predicted: the field that follows the input."""
    return [*found.row().values()][1]
