"""Precision, recall, F1 and support of each class, against scikit-learn; NaN goes in and comes out."""

import math

import numpy as np
import pytest
import torch

from lingon.core.errors import UserError
from lingon.metrics.accuracy import accuracy, macro_f1
from lingon.metrics.calibration import expected_calibration_error, reliability
from lingon.metrics.confusion import confusion_matrix
from lingon.metrics.correlation import pearson, ranks, spearman
from lingon.metrics.likelihood import Likelihood, exp, neural_cache
from lingon.metrics.metric_table import HIGHER_IS_BETTER
from lingon.metrics.per_class import per_class
from lingon.metrics.ranking import auc, binary_auc
from lingon.tasks.classify import scores
from lingon.tasks.classify.settings import METRICS


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(5))
def test_as_scikit_learn_reports_them(seed):
    metrics = pytest.importorskip("sklearn.metrics")
    torch.manual_seed(seed)
    logits = torch.randn(61, 7)
    logits[:, 3] = -9  # a class that is never predicted
    targets = torch.randint(0, 6, (61,))  # and one that is nowhere
    report = metrics.classification_report(
        targets, logits.argmax(-1), labels=list(range(7)), output_dict=True, zero_division=0
    )
    for i, found in enumerate(per_class(confusion_matrix(logits, targets))):
        said = report[str(i)]
        assert found.precision == pytest.approx(said["precision"], abs=1e-12)
        assert found.recall == pytest.approx(said["recall"], abs=1e-12)
        assert found.f1 == pytest.approx(said["f1-score"], abs=1e-12)
        assert found.support == said["support"]
        assert found.predicted == int((logits.argmax(-1) == i).sum())
    # scikit-learn's own macro F1 is over classes that occur somewhere.
    assert macro_f1(logits, targets) == pytest.approx(metrics.f1_score(targets, logits.argmax(-1), average="macro"))


def test_weights_that_are_less_than_one_are_shares_too():
    weights = torch.tensor([0.1, 0.2, 0.1, 0.3])
    matrix = confusion_matrix(torch.tensor([[1.0, 0], [0, 1], [0, 1], [1, 0]]), torch.tensor([0, 0, 1, 0]), weights)
    first, second = per_class(matrix)
    assert (first.precision, second.recall) == (1, 1)
    assert (first.recall, second.precision) == pytest.approx((0.4 / 0.6, 0.1 / 0.3))
    assert second.f1 == pytest.approx(2 * 0.1 / (0.3 + 0.1))


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_correlation_is_the_same_in_every_unit(size):
    assert pearson([size, 2 * size, 4 * size], [1, 3, 2]) == pytest.approx(1 / math.sqrt(14 / 3 * 2), rel=1e-12)


LOGITS = torch.tensor([[2.0, 1.0], [0.0, math.nan], [5.0, 4.0], [0.0, 1.0]])
TRUTH = torch.tensor([0, 1, 1, 0])


@pytest.mark.parametrize("metric", [accuracy, macro_f1, auc, expected_calibration_error])
def test_nan_in_nan_out(metric):
    whole = LOGITS.nan_to_num(3.0).softmax(-1)
    assert not math.isnan(metric(whole, TRUTH))
    assert math.isnan(metric(LOGITS.softmax(-1), TRUTH))


def test_nan_is_no_rank():
    assert math.isnan(binary_auc(torch.tensor([0.1, math.nan, 0.3, 0.2]), TRUTH == 1))
    assert np.isnan(ranks([1.0, math.nan, 2.0])).all()
    assert all(math.isnan(x) for x in spearman([1.0, math.nan, 3.0, 2.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0]))
    assert all(math.isnan(x) for x in spearman([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, math.nan, 3.0, 2.0, 5.0]))


def test_counts_of_nan_are_refused():
    for count in (confusion_matrix, reliability):
        with pytest.raises(UserError, match="is NaN"):
            count(LOGITS, TRUTH)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_scores_of_a_broken_model_are_nan(bad):
    logits = torch.tensor([[bad, 1.0], [0.0, 2.0], [1.0, 0.5]])
    assert all(math.isnan(value) for value in scores(logits, torch.tensor([0, 1, 0])).values())


def test_perplexity_of_nan_is_nan_and_of_too_much_infinite():
    assert math.isnan(Likelihood(math.nan, 3).perplexity)
    assert math.isnan(Likelihood(math.nan, 3, 7).bits_per_byte)
    assert Likelihood(3e5, 3).perplexity == math.inf
    assert exp(709.0) == math.exp(709.0)
    hidden = torch.full((5, 3), math.nan)
    assert neural_cache(hidden, torch.tensor([1, 1, 1, 1, 1]), torch.full((5,), 0.5))[1:].isnan().all()


def test_every_metric_knows_which_way_is_better():
    found = scores(torch.randn(7, 3), torch.tensor([0, 1, 2, 0, 1, 2, 0]))
    assert set(found) == set(METRICS["single-label"])
    assert {name for names in METRICS.values() for name in names} <= set(HIGHER_IS_BETTER)
    assert {name for name in found if not HIGHER_IS_BETTER[name]} == {"loss", "calibration_error"}
    assert not HIGHER_IS_BETTER["perplexity"] and not HIGHER_IS_BETTER["bits_per_byte"]  # noqa: PT018
