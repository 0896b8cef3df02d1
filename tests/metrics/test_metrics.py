"""Metrics against scikit-learn, and against arithmetic by hand where it has none."""

import math

import pytest
import torch

from lingon.metrics.accuracy import accuracy, macro_f1
from lingon.metrics.calibration import expected_calibration_error, reliability
from lingon.metrics.confusion import confusion_matrix
from lingon.metrics.ranking import auc, binary_auc


def case(classes, rows=101, seed=0, ties=False):
    draw = torch.Generator().manual_seed(seed)
    targets = torch.randint(classes, (rows,), generator=draw)
    logits = torch.randn(rows, classes, generator=draw) + torch.nn.functional.one_hot(targets, classes)
    return (logits.round() if ties else logits), targets


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("ties", [False, True])
def test_metrics_are_those_of_scikit_learn(classes, ties):
    theirs = pytest.importorskip("sklearn.metrics")
    logits, targets = case(classes, ties=ties)
    guess, probabilities = logits.argmax(-1), logits.double().softmax(-1)
    assert accuracy(logits, targets) == pytest.approx(theirs.accuracy_score(targets, guess))
    assert macro_f1(logits, targets) == pytest.approx(theirs.f1_score(targets, guess, average="macro"))
    assert confusion_matrix(logits, targets).tolist() == theirs.confusion_matrix(targets, guess).tolist()
    scores = probabilities[:, 1] if classes == 2 else probabilities
    assert auc(probabilities, targets) == pytest.approx(theirs.roc_auc_score(targets, scores, multi_class="ovr"))


def test_the_area_counts_pairs_and_ties_half():
    torch.manual_seed(0)
    scores, positive = torch.randint(5, (37,)).float(), torch.rand(37) < 0.4
    ups, downs = scores[positive], scores[~positive]
    wins = (ups[:, None] > downs).double() + 0.5 * (ups[:, None] == downs).double()
    assert binary_auc(scores, positive) == pytest.approx(wins.mean().item())


def test_an_absent_class_has_no_area_and_no_f1():
    logits, targets = case(3)
    targets[targets == 2] = 0
    logits[:, 2] = -9.0
    probabilities = logits.softmax(-1)
    both = [binary_auc(probabilities[:, c], targets == c) for c in (0, 1)]
    assert auc(probabilities, targets) == pytest.approx(sum(both) / 2)
    assert macro_f1(logits, targets) == pytest.approx(macro_f1(logits[:, :2], targets))
    assert math.isnan(auc(probabilities[:, :2], torch.ones_like(targets)))


def test_calibration_by_hand():
    sure = torch.tensor([0.55, 0.58, 0.95, 0.92, 0.98, 1.0], dtype=torch.float64)
    probabilities = torch.stack([sure, 1 - sure], 1)
    targets = torch.tensor([0, 1, 0, 0, 1, 0])
    bins = reliability(probabilities, targets)
    assert [b.count for b in bins] == [0, 0, 0, 0, 0, 2, 0, 0, 0, 4]
    assert (bins[5].low, bins[5].high) == (0.5, 0.6)
    assert (bins[5].confidence, bins[5].accuracy) == pytest.approx((0.565, 0.5))
    assert (bins[9].confidence, bins[9].accuracy) == pytest.approx((0.9625, 0.75))
    expected = 2 / 6 * (0.565 - 0.5) + 4 / 6 * (0.9625 - 0.75)
    assert expected_calibration_error(probabilities, targets) == pytest.approx(expected)


def test_a_calibrated_model_has_no_error():
    probabilities = torch.tensor([[0.75, 0.25]] * 4, dtype=torch.float64)
    assert expected_calibration_error(probabilities, torch.tensor([0, 0, 0, 1])) == 0.0
