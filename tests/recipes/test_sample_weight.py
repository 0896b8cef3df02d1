"""Weights of texts: scikit-learn's sample_weight, through the split, the batches, the loss, the scores and the fit."""

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, log_loss

import lingon
from lingon.core.errors import UserError
from lingon.data.examples import Examples
from lingon.data.split import stratified_split
from lingon.data.tokenizers import words
from lingon.models.registry import build
from lingon.tasks.classify import Classifier, scores
from lingon.tasks.classify.targets import SingleLabel

TEXTS = [f"the {w} film {i}" for i in range(6) for w in ("bright", "superb", "dull", "weak", "clever", "sloppy", "odd")]
LABELS = [
    label for i in range(6) for label in ("good", "good", "poor", "poor", "good", "poor", ["good", "poor"][i % 2])
]
WEIGHTS = np.random.default_rng(3).choice([0.5, 1.0, 3.0], len(TEXTS))
DOUBLED = [i for i, text in enumerate(TEXTS) if "odd" in text and LABELS[i] == "poor"]
QUICK = {"C": 3.0, "random_state": 3, "settings": {"refit": False}}


def twice():
    """The texts, with some of them a second time; and the weights that say the same."""
    rows = [*range(len(TEXTS)), *DOUBLED]
    weights = [2.0 if i in DOUBLED else 1.0 for i in range(len(TEXTS))]
    return [TEXTS[i] for i in rows], [LABELS[i] for i in rows], weights


def test_a_weight_of_zero_leaves_a_text_out():
    weights = np.where(np.arange(len(TEXTS)) % 4 == 1, 0.0, WEIGHTS)
    kept = np.flatnonzero(weights)
    found = lingon.LingonClassifier(**QUICK).fit(TEXTS, LABELS, sample_weight=weights)
    alone = lingon.LingonClassifier(**QUICK).fit(
        [TEXTS[i] for i in kept], [LABELS[i] for i in kept], sample_weight=weights[kept]
    )
    assert (found.predict_proba(TEXTS) == alone.predict_proba(TEXTS)).all()


def test_weight_two_for_all_is_twice_the_strength():
    heavy = lingon.LingonClassifier(**QUICK).fit(TEXTS, LABELS, sample_weight=np.full(len(TEXTS), 2.0)).classifier_
    strong, plain = (lingon.LingonClassifier(**QUICK | {"C": C}).fit(TEXTS, LABELS).classifier_ for C in (6.0, 3.0))
    torch.testing.assert_close(heavy.model.table, strong.model.table, atol=1e-5, rtol=1e-4)
    assert (heavy.model.table - plain.model.table).abs().max() > 1e-3


def test_the_split_counts_a_text_by_its_weight():
    texts, labels, weights = twice()
    _, heavy = stratified_split(Examples(TEXTS, LABELS, weights=weights), 0.3, 5, "valid")
    _, double = stratified_split(Examples(texts, labels), 0.3, 5, "valid")
    assert set(heavy.texts) == set(double.texts)
    assert heavy.weights == [weights[TEXTS.index(text)] for text in heavy.texts]


def test_the_loss_is_the_weighted_mean_of_torch_and_of_scikit_learn():
    torch.manual_seed(0)
    tokenizer = words(TEXTS)
    model = build("bag", {"vocab_size": len(tokenizer.vocab), "classes": 2, "width": 5}).eval()
    task = Classifier(model, tokenizer, ["good", "poor"])
    examples = Examples(TEXTS, LABELS, weights=WEIGHTS.tolist())
    (batch,) = task.batches(examples, max_tokens=10_000)
    loss = task.loss(model, batch)
    logits = task.logits(TEXTS)
    probabilities = logits.double().softmax(-1).numpy()
    expected = log_loss(LABELS, probabilities, sample_weight=WEIGHTS)
    assert loss.count == pytest.approx(WEIGHTS.sum())
    assert (loss.total / loss.count).item() == pytest.approx(expected, rel=1e-5)

    found = task.evaluate(examples)
    predicted = [one.label for one in task.predict(TEXTS)]
    assert found["loss"] == pytest.approx(expected, rel=1e-5)
    assert found["accuracy"] == pytest.approx(accuracy_score(LABELS, predicted, sample_weight=WEIGHTS))
    assert found["macro_f1"] == pytest.approx(f1_score(LABELS, predicted, average="macro", sample_weight=WEIGHTS))


def test_class_weights_and_weights_of_texts_multiply():
    torch.manual_seed(0)
    tokenizer = words(TEXTS)
    model = build("bag", {"vocab_size": len(tokenizer.vocab), "classes": 2, "width": 5}).eval()
    task = Classifier(model, tokenizer, ["good", "poor"], None, [0.5, 3.0])
    (batch,) = task.batches(Examples(TEXTS, LABELS, weights=WEIGHTS.tolist()), max_tokens=10_000)
    both = [w * (0.5 if label == "good" else 3.0) for w, label in zip(WEIGHTS, LABELS, strict=True)]
    loss, probabilities = task.loss(model, batch), task.logits(TEXTS).double().softmax(-1).numpy()
    assert loss.count == pytest.approx(sum(both))
    assert (loss.total / loss.count).item() == pytest.approx(log_loss(LABELS, probabilities, sample_weight=both))


def test_the_scale_is_fitted_by_weights():
    rows, logits = [0, 1, 2, 3, 4, 2, 2], torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([0, 1, 2, 0, 1])
    one = SingleLabel(["a", "b", "c"])
    heavy = one.scale_of(logits, targets, torch.tensor([1.0, 1.0, 3.0, 1.0, 1.0]), 3.0)
    assert heavy == pytest.approx(one.scale_of(logits[rows], targets[rows], None, 3.0), rel=1e-6)
    assert heavy != pytest.approx(one.scale_of(logits, targets, None, 3.0), rel=1e-3)


def test_scores_without_weights_are_those_of_equal_weights():
    logits = torch.randn(11, 3, generator=torch.Generator().manual_seed(1))
    targets = torch.arange(11) % 3
    assert scores(logits, targets, torch.full((11,), 2.0)) == pytest.approx(scores(logits, targets))


WRONG = {
    "a text": ("much", "expected a number for each text"),
    "too few": ([1.0], r"has the shape \(1,\); there are 42 texts"),
    "below zero": ([-1.0] + [1.0] * 41, r"sample_weight\[0\] is -1.0; expected 0 or more"),
    "no number": ([1.0] * 41 + [np.nan], r"sample_weight\[41\] is nan"),
    "nothing": ([0.0] * 42, "is 0 for every text"),
    "one class left": ([float(label == "good") for label in LABELS], "two or more labels"),
}


@pytest.mark.parametrize("name", WRONG)
def test_weights_that_cannot_be_are_named(name):
    weights, message = WRONG[name]
    with pytest.raises(UserError, match=message):
        lingon.LingonClassifier(**QUICK).fit(TEXTS, LABELS, sample_weight=weights)
