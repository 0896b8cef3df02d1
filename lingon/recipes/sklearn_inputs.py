"""What estimators of scikit-learn are given: texts, weights and random states, checked."""

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.tasks.settings import LARGEST

SEEDS = 1 << 31


def seed_of(state: Any) -> int:
    """Return the seed of a random_state: itself, or one that is drawn."""
    whole = isinstance(state, int | np.integer)
    return int(state) if whole else int(check_random_state(state).randint(SEEDS, dtype=np.int64))


def texts_of(X: Any) -> list[str]:
    """Texts of a list, an array or a column of a table; raises UserError for anything else."""
    if isinstance(X, str):
        raise UserError("X is a single text; expected a list of texts")
    if getattr(X, "ndim", 1) != 1:
        raise UserError(f"X has the shape {tuple(X.shape)}; expected texts in one dimension, as one column of a table")
    texts = list(X)
    for text in texts:
        if not isinstance(text, str):
            raise UserError(f"a text is a str, not {type(text).__name__}: {str(text)[:40]!r}")
    return [str(text) for text in texts]  # a text of NumPy becomes one of Python


def weights_of(sample_weight: Any, texts: int) -> np.ndarray:
    """Return the weights of texts [n], in float64. Raises UserError that names the first that cannot be one."""
    try:
        weights = np.asarray(sample_weight, np.float64)
    except (TypeError, ValueError):
        raise UserError(f"sample_weight is {str(sample_weight)[:40]!r}, expected a number for each text") from None
    if weights.shape != (texts,):
        raise UserError(
            f"sample_weight has the shape {weights.shape}; there are {counted(texts, 'text')}, one number for each"
        )
    if len(wrong := np.flatnonzero(~((weights >= 0) & (weights < LARGEST)))):
        raise UserError(f"sample_weight[{wrong[0]}] is {weights[wrong[0]]}; expected 0 or more")
    if not weights.any():
        raise UserError("sample_weight is 0 for every text, so that nothing counts")
    return weights


def with_weights(
    texts: list[str], labels: np.ndarray, sample_weight: Any, validation_fraction: float
) -> tuple[list[str], np.ndarray, list[float] | None]:
    """Return texts, labels and weights without those of weight 0. Raises UserError for what does not fit."""
    if len(texts) != len(labels):
        raise UserError(
            f"there are {counted(len(texts), 'text')} and {counted(len(labels), 'label')}; give each text its label"
        )
    if not 0 < validation_fraction < 1:
        raise UserError(f"validation_fraction is {validation_fraction!r}, expected a fraction from 0 to 1")
    if sample_weight is None:
        return texts, labels, None
    weights = weights_of(sample_weight, len(texts))
    kept = [text for text, weight in zip(texts, weights, strict=True) if weight > 0]
    return kept, labels[weights > 0], weights[weights > 0].tolist()
