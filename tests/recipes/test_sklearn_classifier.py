"""LingonClassifier keeps scikit-learn's protocol: its own checks, where they make sense for texts, and its tools."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks as checks
from sklearn.utils import get_tags

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.core.errors import UserError
from lingon.data.batches import collate

GOOD, POOR = ("bright", "superb", "clever"), ("sloppy", "dull", "weak")
TEXTS = [f"the film was {word} in scene {i}" for i in range(8) for word in (*GOOD, *POOR)]
LABELS = ["good" if any(word in text for word in GOOD) else "poor" for text in TEXTS]
QUICK = {"epochs": 6, "random_state": 3}
# Of scikit-learn's checks those that need no numbers as input. All others call `fit` with a matrix of numbers, which a
# classifier of texts refuses by name; `check_estimator` leaves them out by the tag two_d_array.
WITHOUT_DATA = (
    checks.check_estimator_cloneable,
    checks.check_estimator_repr,
    checks.check_estimator_tags_renamed,
    checks.check_do_not_raise_errors_in_init_or_set_params,
    checks.check_fit_score_takes_y,
    checks.check_get_params_invariance,
    checks.check_mixin_order,
    checks.check_no_attributes_set_in_init,
    checks.check_parameters_default_constructible,
    checks.check_set_params,
    checks.check_valid_tag_types,
)


@pytest.fixture(scope="module")
def fitted():
    return lingon.LingonClassifier(**QUICK).fit(TEXTS, LABELS)


@pytest.mark.parametrize("check", WITHOUT_DATA, ids=lambda check: check.__name__)
def test_checks_of_scikit_learn_that_need_no_numbers(check):
    model = lingon.LingonClassifier(**QUICK)
    if check is checks.check_fit_score_takes_y:  # it fits
        model.fit = lambda X, y: model
        return
    check("LingonClassifier", model)


def test_its_tags_say_that_it_takes_texts():
    tags = get_tags(lingon.LingonClassifier(random_state=0))
    assert (tags.estimator_type, tags.input_tags.string, tags.input_tags.two_d_array) == ("classifier", True, False)
    assert not tags.non_deterministic
    assert get_tags(lingon.LingonClassifier()).non_deterministic


def test_probabilities_are_those_of_the_model(fitted):
    found = fitted.predict_proba(TEXTS[:7])
    assert fitted.classes_.tolist() == ["good", "poor"]
    assert found.shape == (7, 2)
    assert np.allclose(found.sum(1), 1)
    inner = fitted.classifier_
    batch = collate(inner.encode(TEXTS[:7]))
    expected = inner.model.eval()(batch.ids, batch.mask).softmax(-1).detach().numpy()
    assert np.allclose(found, expected, atol=1e-6)
    assert fitted.predict(TEXTS[:7]).tolist() == fitted.classes_[expected.argmax(1)].tolist()
    assert fitted.score(TEXTS, LABELS) == accuracy_score(LABELS, fitted.predict(TEXTS)) == 1


@pytest.mark.parametrize("classes", [[0, 1], [10, 9], [True, False], ["b", "a"], [2.5, -1.0]], ids=str)
def test_labels_of_any_type_come_back_in_rising_order(classes):
    labels = np.array([classes[0] if label == "good" else classes[1] for label in LABELS])
    model = lingon.LingonClassifier(**QUICK).fit(TEXTS, labels)
    assert model.classes_.tolist() == sorted(classes)
    assert model.classes_.dtype == labels.dtype
    assert (model.predict(TEXTS) == labels).all()
    rows = model.predict_proba(["a superb film"])[0]
    assert model.classes_[rows.argmax()] == classes[0]


def test_a_seed_and_a_clone_give_the_same_model(fitted):
    again = clone(fitted)
    assert not hasattr(again, "classes_")
    assert (again.fit(np.array(TEXTS), np.array(LABELS)).predict_proba(TEXTS) == fitted.predict_proba(TEXTS)).all()
    other = clone(fitted).set_params(random_state=np.random.RandomState(0)).fit(TEXTS, LABELS)
    same = clone(fitted).set_params(random_state=np.random.RandomState(0)).fit(TEXTS, LABELS)
    assert (other.predict_proba(TEXTS) == same.predict_proba(TEXTS)).all()
    assert (other.predict_proba(TEXTS) != fitted.predict_proba(TEXTS)).any()


def test_pipelines_searches_and_cross_validation():
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    steps = Pipeline([("lower", lower), ("classify", lingon.LingonClassifier(**QUICK))])
    upper = [text.upper() for text in TEXTS]
    assert cross_val_score(steps, upper, LABELS, cv=2).tolist() == [1, 1]
    found = cross_val_predict(steps, upper, LABELS, cv=2, method="predict_proba")
    assert (np.array(["good", "poor"])[found.argmax(1)] == LABELS).all()
    options = {"classify__C": [1e-9, 10.0], "classify__max_length": [7]}
    search = GridSearchCV(steps, options, cv=2, scoring="neg_log_loss").fit(upper, LABELS)
    assert search.best_params_["classify__C"] == 10.0
    assert search.best_estimator_["classify"].classifier_.max_length == 7


def test_the_lines_of_the_readme_run(capsys):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", readme, re.S) if "LingonClassifier" in block]
    exec(compile(code, "README.md", "exec"), {"lingon": lingon, "texts": TEXTS, "labels": LABELS})
    assert capsys.readouterr().out.strip() == "[1. 1. 1. 1. 1.]"


def test_class_weights_are_those_of_the_recipe():
    rare = [*TEXTS, *(f"a {word} film" for word in GOOD)]
    labels = [*LABELS, "good", "good", "good"]
    model = lingon.LingonClassifier(class_weight="balanced", validation_fraction=0.01, **QUICK).fit(rare, labels)
    good, poor = model.classifier_.class_weights
    assert poor > 1 > good  # it is trained again on all texts: 27 and 24
    assert (good, poor) == pytest.approx((51 / (2 * 27), 51 / (2 * 24)))
    model.set_params(class_weight={"good": 3}).fit(rare, labels)
    assert model.classifier_.class_weights == [3, 1]


def test_what_was_fitted_is_saved_as_a_bundle_and_loads(fitted, tmp_path):
    save_bundle(fitted.classifier_, fitted.model, tmp_path / "b", {})
    found = lingon.load(tmp_path / "b").predict(TEXTS)
    assert [one.label for one in found] == fitted.predict(TEXTS).tolist()


WRONG = {
    "numbers": (([[1.0]] * 4, [0, 1, 0, 1]), {}, "a text is a str, not list"),
    "a matrix": ((np.zeros((4, 2)), [0, 1, 0, 1]), {}, r"X has the shape \(4, 2\); expected texts in one dimension"),
    "one text": (("a text", ["a"]), {}, "X is a single text; expected a list"),
    "no labels": ((["a", "b"], None), {}, "y is None"),
    "a matrix of other numbers": ((["a", "b"], np.array([[1, 0], [0, 2]])), {}, r"y has the shape \(2, 2\)"),
    "another length": ((["a", "b"], [1]), {}, "there are 2 texts and 1 label"),
    "one class": ((["a", "b"], [1, 1]), {}, "a classifier needs two or more labels"),
    "a model": ((TEXTS, LABELS), {"model": "ngram"}, "unknown model 'ngram'; did you mean 'ngrams'"),
    "a setting": ((TEXTS, LABELS), {"settings": {"dropuot": 1}}, "unknown setting 'dropuot'; did you mean 'dropout'"),
    "twice": ((TEXTS, LABELS), {"settings": {"lr": 1}}, "settings has 'lr', which is a parameter of LingonClassifier"),
    "a weight": ((TEXTS, LABELS), {"class_weight": {"god": 1}}, "unknown label in --class-weights 'god'"),
    "a fraction": ((TEXTS, LABELS), {"validation_fraction": 1}, "validation_fraction is 1, expected a fraction"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_fitted_is_named(name):
    given, settings, message = WRONG[name]
    with pytest.raises(UserError, match=message):
        lingon.LingonClassifier(**settings).fit(*given)


def test_it_is_asked_only_after_it_was_fitted():
    with pytest.raises(NotFittedError):
        lingon.LingonClassifier().predict(TEXTS)


def test_without_scikit_learn_the_way_to_install_it_is_told():
    code = "import sys; sys.modules['sklearn'] = None; sys.modules['sklearn.base'] = None; import lingon"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; lingon.LingonClassifier"], capture_output=True, text=True, check=False
    )
    assert "LingonClassifier needs scikit-learn; install it with: " in done.stderr
    assert "pip install" in done.stderr.splitlines()[-1]
