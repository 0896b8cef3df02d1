"""LingonRegressor keeps scikit-learn's protocol."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import cross_val_score
from sklearn.utils import get_tags

import lingon
from lingon.core.errors import UserError

GOOD, POOR = ("bright", "superb", "clever"), ("sloppy", "dull", "weak")
TEXTS = [f"the film was {word} in scene {i}" for i in range(8) for word in (*GOOD, *POOR)]
STARS = [4.0 + i % 2 / 2 if i % 6 < 3 else 1.5 - i % 2 / 2 for i in range(len(TEXTS))]
QUICK = {"C": 3.0, "random_state": 3}


def test_numbers_are_fitted_scored_and_weighed():
    model = lingon.LingonRegressor(**QUICK).fit(TEXTS, STARS)
    low, high = model.predict(["a dull film", "a superb film"])
    assert low < 2 < 3.5 < high
    assert model.score(TEXTS, STARS) == pytest.approx(r2_score(STARS, model.predict(TEXTS)))
    again = clone(model)
    with pytest.raises(NotFittedError):
        again.predict(TEXTS)
    weights = [0.0] + [1.0] * (len(TEXTS) - 1)
    left_out = again.fit(TEXTS, STARS, sample_weight=weights).predict(TEXTS)
    assert (left_out == clone(model).fit(TEXTS[1:], STARS[1:], sample_weight=weights[1:]).predict(TEXTS)).all()
    assert get_tags(model).estimator_type == "regressor"


def test_it_is_cross_validated():
    assert cross_val_score(lingon.LingonRegressor(**QUICK), TEXTS, STARS, cv=2).min() > 0.7


WRONG = {
    "text": (["a", "b"], ["x", "y"], "expected a number for each text"),
    "no number": (["a", "b"], [1.0, np.nan], r"y\[1\] is nan, expected a finite number"),
    "none": (["a", "b"], None, "y is None"),
    "a matrix": (["a", "b"], [[1.0], [2.0]], r"y has the shape \(2, 1\)"),
    "another length": (["a", "b"], [1.0], "there are 2 texts and 1 label"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_fitted_is_named(name):
    texts, numbers, message = WRONG[name]
    with pytest.raises(UserError, match=message):
        lingon.LingonRegressor(**QUICK).fit(texts, numbers)
    with pytest.raises(UserError, match="settings has 'lr', which is a parameter of LingonRegressor"):
        lingon.LingonRegressor(settings={"lr": 1}).fit(TEXTS, STARS)
