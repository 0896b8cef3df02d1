"""LingonClassifier with several labels for each text keeps the protocol of scikit-learn's own classifiers of them."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import cross_val_predict, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import LinearSVC
from sklearn.utils import get_tags

import lingon
from lingon.core.errors import UserError

WORDS = {"colour": ("red", "blue", "green"), "animal": ("cat", "dog", "owl"), "place": ("paris", "rome", "oslo")}
NAMES = sorted(WORDS)  # animal, colour, place
QUICK = {"random_state": 3, "settings": {"refit": False}}


def made(count=60, seed=0):
    """Texts with words of some kinds, and which kinds these are: some have none, some all."""
    random = np.random.default_rng(seed)
    matrix = random.integers(0, 2, (count, 3))
    texts = []
    for i, row in enumerate(matrix):
        words = [str(random.choice(WORDS[name])) for name, has in zip(NAMES, row, strict=True) if has]
        texts.append(" ".join([f"number {i}", *words, "end"]))
    return texts, matrix


TEXTS, MATRIX = made()
LISTS = [[NAMES[i] for i in np.flatnonzero(row)] for row in MATRIX]


@pytest.fixture(scope="module")
def fitted():
    return lingon.LingonClassifier(**QUICK).fit(TEXTS, MATRIX)


def test_a_matrix_comes_back_as_a_matrix(fitted):
    peer = OneVsRestClassifier(LinearSVC()).fit(np.eye(3)[np.arange(60) % 3], MATRIX)
    said, probabilities = fitted.predict(TEXTS), fitted.predict_proba(TEXTS)
    assert (said.shape, probabilities.shape) == ((60, 3), (60, 3))
    assert fitted.classes_.tolist() == peer.classes_.tolist() == [0, 1, 2]
    assert peer.predict(np.eye(3)).dtype.kind == said.dtype.kind == "i"
    assert set(np.unique(said)) == {0, 1}
    assert probabilities.min() >= 0
    assert probabilities.max() <= 1
    assert f1_score(MATRIX, said, average="micro") > 0.95
    assert fitted.score(TEXTS, MATRIX) == accuracy_score(MATRIX, said) > 0.9
    weights = np.arange(60)
    assert fitted.score(TEXTS, MATRIX, weights) == pytest.approx(accuracy_score(MATRIX, said, sample_weight=weights))


def test_probabilities_and_labels_are_those_of_the_model(fitted):
    for text, row, said in zip(TEXTS[:9], fitted.predict_proba(TEXTS[:9]), fitted.predict(TEXTS[:9]), strict=True):
        found = fitted.classifier_.predict(text)
        assert [found.probabilities[str(i)] for i in range(3)] == pytest.approx(row.tolist(), abs=1e-6)
        assert {str(i) for i in np.flatnonzero(said)} == set(found.labels)


def test_lists_of_labels_come_back_as_tuples(fitted):
    model = lingon.LingonClassifier(**QUICK).fit(TEXTS, LISTS)
    assert model.classes_.tolist() == NAMES
    said = model.predict(TEXTS)
    assert said.shape == (60,)
    as_matrix = np.array([[name in row for name in NAMES] for row in said])
    assert (as_matrix == fitted.predict(TEXTS)).all()
    assert model.predict_proba(TEXTS).shape == (60, 3)
    assert model.score(TEXTS, LISTS) == accuracy_score(MATRIX, as_matrix)
    assert model.score(TEXTS[:2], [[*LISTS[0], "other"], LISTS[1]]) == 0.5
    assert lingon.LingonClassifier(**QUICK).fit(TEXTS, [tuple(row) for row in LISTS]).score(TEXTS, LISTS) > 0.9


@pytest.mark.parametrize("kind", [csr_matrix, np.ndarray.tolist, lambda y: y.astype(bool), lambda y: y.astype(float)])
def test_other_ways_to_write_a_matrix(kind, fitted):
    model = lingon.LingonClassifier(**QUICK).fit(TEXTS, kind(MATRIX))
    assert (model.predict(TEXTS) == fitted.predict(TEXTS)).all()


def test_numbers_may_be_labels_in_lists_of_several_lengths():
    model = lingon.LingonClassifier(**QUICK).fit(TEXTS, [[int(i) + 7 for i in np.flatnonzero(row)] for row in MATRIX])
    assert model.classes_.tolist() == [7, 8, 9]
    assert all(set(row) <= {7, 8, 9} for row in model.predict(TEXTS))


def test_a_label_that_no_text_has_is_never_predicted():
    wide = np.hstack([MATRIX, np.zeros((60, 1), int)])
    model = lingon.LingonClassifier(**QUICK).fit(TEXTS, wide)
    assert model.predict(TEXTS).shape == (60, 4)
    assert not model.predict(TEXTS)[:, 3].any()
    assert not model.predict_proba(TEXTS)[:, 3].any()


def test_cross_validation_and_weights():
    model = lingon.LingonClassifier(**QUICK)
    assert get_tags(model).classifier_tags.multi_label
    assert cross_val_score(model, TEXTS, MATRIX, cv=2, scoring="f1_micro").min() > 0.8
    assert cross_val_predict(model, TEXTS, MATRIX, cv=2).shape == (60, 3)
    weighted = model.set_params(class_weight={1: 5.0}).fit(TEXTS, MATRIX, sample_weight=np.ones(60))
    assert list(weighted.classifier_.targets.class_weights) == [1, 5, 1]


WRONG = {
    "other numbers": (
        np.arange(120).reshape(60, 2),
        r"y has the shape \(60, 2\); expected one label for each",
    ),
    "one column": (MATRIX[:, :1], r"y has the shape \(60, 1\)"),
    "no label at all": (np.zeros((60, 3)), "no text of y has a label"),
    "another length": (MATRIX[:7], "there are 60 texts and 7 labels"),
    "labels without an order": ([["a"], [1]] * 30, "the labels in y are of several types"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_refused(name):
    y, message = WRONG[name]
    with pytest.raises(UserError, match=message):
        lingon.LingonClassifier(**QUICK).fit(TEXTS, y)
