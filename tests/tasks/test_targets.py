"""What a classifier predicts: losses equal to torch, scores to scikit-learn, and configurations that are checked."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import pearsonr, spearmanr
from sklearn import metrics as theirs

from lingon.core.errors import DataError, UserError
from lingon.tasks.classify.targets import TARGETS, MultiLabel, Ordinal, Regression, SingleLabel, Targets
from lingon.tasks.classify.targets.rare_label import RareLabel, precision_recall, rare_of
from lingon.tasks.classify.targets.thresholds import best_threshold, fitted_thresholds

N, C = 41, 3
NAMES = ["a", "b", "c"]
RANKS = ["1", "2", "3.5", "7"]
DRAW = torch.Generator().manual_seed(3)
LOGITS = torch.randn(N, C, generator=DRAW) * 2
SETS = [tuple(name for i, name in enumerate(NAMES) if bits >> i & 1) for bits in range(8)]
SEVERAL = [SETS[i % 8] for i in range(0, 3 * N, 3)]
YES = np.array([[name in labels for name in NAMES] for labels in SEVERAL])
VALUES = (torch.randn(N, generator=DRAW) * 5 + 11).tolist()
RANK_OF = [RANKS[i % 4] for i in range(0, 3 * N, 3)]
WEIGHTS = torch.rand(N, generator=DRAW) + 0.5

MADE = {
    "single-label": (SingleLabel(NAMES, temperature=1.5), [NAMES[i % 3] for i in range(N)], LOGITS),
    "multi-label": (MultiLabel(NAMES, [0.3, 0.5, 0.6], 1.5), SEVERAL, LOGITS),
    "regression": (Regression.of(VALUES), VALUES, LOGITS[:, :1]),
    "ordinal": (Ordinal(RANKS, 1.5), RANK_OF, LOGITS),
}
every = pytest.mark.parametrize("name", TARGETS)


def numbers(name):
    targets, labels, _ = MADE[name]
    return torch.from_numpy(targets.numbers(labels))


@every
def test_every_kind_keeps_the_protocol_and_its_configuration(name):
    targets, _, logits = MADE[name]
    assert isinstance(targets, Targets)
    assert targets.outputs == logits.shape[1] == TARGETS[name].check_config(targets.labels, targets.config())
    again = TARGETS[name].from_config(targets.labels, targets.config())
    assert again.config() == targets.config()
    rows = [found.row() for found in again.predictions(["x"] * N, logits)]
    assert rows == [found.row() for found in targets.predictions(["x"] * N, logits)]
    assert again.scores(logits, numbers(name)) == targets.scores(logits, numbers(name))
    broken = targets.metrics_of(logits * float("nan"), numbers(name))
    assert all(value != value for value in broken.values())


@every
def test_the_loss_of_a_batch_adds_up_and_weights_count(name):
    targets, _, logits = MADE[name]
    whole = targets.loss(logits, numbers(name))
    parts = [targets.loss(logits[rows], numbers(name)[rows]) for rows in (slice(0, 11), slice(11, None))]
    assert sum(part.total for part in parts).item() == pytest.approx(whole.total.item(), rel=1e-5)
    assert sum(part.count for part in parts) == whole.count == N
    heavy = targets.loss(logits, numbers(name), WEIGHTS)
    each = torch.stack([targets.loss(logits[i : i + 1], numbers(name)[i : i + 1]).total for i in range(N)])
    assert heavy.total.item() == pytest.approx((each * WEIGHTS).sum().item(), rel=1e-5)
    assert heavy.count == pytest.approx(WEIGHTS.sum().item())


def test_losses_are_those_of_torch():
    several = torch.from_numpy(YES).float()
    found = MultiLabel(NAMES, class_weights=[2.0, 1.0, 5.0]).loss(LOGITS, several)
    expected = F.binary_cross_entropy_with_logits(LOGITS, several, pos_weight=torch.tensor([2.0, 1.0, 5.0]))
    torch.testing.assert_close(found.total / found.count, expected)
    found = MADE["regression"][0].loss(LOGITS[:, :1], numbers("regression"))
    torch.testing.assert_close(found.total / N, F.mse_loss(LOGITS[:, 0], numbers("regression")))
    found = Ordinal(RANKS).loss(LOGITS, numbers("ordinal"))
    right = [by_hand(row)[rank] for row, rank in zip(LOGITS.tolist(), numbers("ordinal").tolist(), strict=True)]
    torch.testing.assert_close(
        found.total.double(), -torch.tensor(right, dtype=torch.float64).log().sum(), rtol=1e-5, atol=0
    )


def test_the_focal_loss_is_its_formula_and_plain_at_zero():
    classes = torch.arange(N) % 3
    sure = LOGITS.softmax(1)[torch.arange(N), classes]
    found = SingleLabel(NAMES, gamma=2.0).loss(LOGITS, classes)
    torch.testing.assert_close(found.total, (-((1 - sure) ** 2) * sure.log()).sum())
    weighted = SingleLabel(NAMES, [0.5, 1.0, 3.0], gamma=2.0).loss(LOGITS, classes)
    of_class = torch.tensor([0.5, 1.0, 3.0])[classes]
    torch.testing.assert_close(weighted.total, (-of_class * (1 - sure) ** 2 * sure.log()).sum())
    assert weighted.count == pytest.approx(of_class.sum().item())
    yes = torch.from_numpy(YES).float()
    right = torch.where(yes > 0, LOGITS.sigmoid(), 1 - LOGITS.sigmoid())
    several = MultiLabel(NAMES, gamma=1.5).loss(LOGITS, yes)
    torch.testing.assert_close(several.total, (-((1 - right) ** 1.5) * right.log()).mean(1).sum())


def test_scores_of_several_labels_are_those_of_scikit_learn():
    targets, _, logits = MADE["multi-label"]
    found = targets.scores(logits, numbers("multi-label"))
    predicted = (logits / 1.5).sigmoid().numpy() >= [0.3, 0.5, 0.6]
    for metric, average in {"micro_f1": "micro", "macro_f1": "macro", "samples_f1": "samples"}.items():
        expected = theirs.f1_score(YES, predicted, average=average, zero_division=0)
        assert found[metric] == pytest.approx(expected)
    assert found["subset_accuracy"] == pytest.approx(theirs.accuracy_score(YES, predicted))
    assert found["auc"] == pytest.approx(theirs.roc_auc_score(YES, logits.numpy(), average="macro"))
    assert found["loss"] == pytest.approx(
        F.binary_cross_entropy_with_logits(logits / 1.5, torch.from_numpy(YES).float()).item(), rel=1e-5
    )
    rows = theirs.classification_report(YES, predicted, target_names=NAMES, output_dict=True, zero_division=0)
    for label, of in found.tables["per_class"].items():
        assert of["f1"] == pytest.approx(rows[label]["f1-score"])
        assert (of["precision"], of["recall"], of["support"]) == pytest.approx(
            (rows[label]["precision"], rows[label]["recall"], rows[label]["support"])
        )
    said = [set(one.labels) for one in targets.predictions(["x"] * N, logits)]
    assert said == [{name for name, has in zip(NAMES, row, strict=True) if has} for row in predicted]


def test_scores_of_numbers_are_those_of_scikit_learn_in_their_unit():
    targets, labels, logits = MADE["regression"]
    found = targets.scores(logits, numbers("regression"))
    said = np.array([one.value for one in targets.predictions(["x"] * N, logits)])
    np.testing.assert_allclose(said, logits[:, 0].numpy() * np.std(labels) + np.mean(labels), rtol=1e-5)
    assert found["mae"] == pytest.approx(theirs.mean_absolute_error(labels, said), rel=1e-5)
    assert found["rmse"] == pytest.approx(theirs.mean_squared_error(labels, said) ** 0.5, rel=1e-5)
    assert found["r2"] == pytest.approx(theirs.r2_score(labels, said), rel=1e-5)
    assert found["pearson"] == pytest.approx(pearsonr(labels, said).statistic, rel=1e-5)
    assert found["spearman"] == pytest.approx(spearmanr(labels, said).statistic, rel=1e-5)
    assert Regression.of([3.0, 3.0]).std == 1.0


def test_scores_of_ranks_are_those_of_scikit_learn():
    targets, labels, logits = MADE["ordinal"]
    found = targets.scores(logits, numbers("ordinal"))
    said = [one.label for one in targets.predictions(["x"] * N, logits)]
    expected = theirs.cohen_kappa_score(
        [RANKS.index(x) for x in labels], [RANKS.index(x) for x in said], weights="quadratic"
    )
    assert found["quadratic_kappa"] == pytest.approx(expected)
    assert found["mae"] == pytest.approx(theirs.mean_absolute_error([*map(float, labels)], [*map(float, said)]))
    assert found["accuracy"] == pytest.approx(theirs.accuracy_score(labels, said))
    assert found["macro_f1"] == pytest.approx(theirs.f1_score(labels, said, average="macro"))


def by_hand(logits):
    """The probability of each rank: it is passed, or it is the last that is reached."""
    found, reached = [], 1.0
    for logit in logits:
        passes = 1 / (1 + math.exp(-logit))
        found.append(reached * (1 - passes))
        reached *= passes
    return [*found, reached]


def test_ranks_are_in_order_and_their_probabilities_are_one_in_all():
    targets = Ordinal(RANKS, temperature=2.0)
    logits = torch.tensor([[3.0, 1.0, -2.0], [-1.0, -2.0, 4.0], [5.0, 4.0, 3.0], [1.0, 9.0, 9.0]])
    expected = torch.tensor([by_hand([x / 2 for x in row]) for row in logits.tolist()], dtype=torch.float64)
    assert expected.sum(1).tolist() == pytest.approx([1] * 4)
    torch.testing.assert_close(targets.probabilities(logits), expected, atol=1e-12, rtol=0)
    # The rank is the first whose probability, with those of all below it, is a half or more.
    medians = [next(k for k in range(4) if sum(row[: k + 1]) >= 0.5) for row in expected.tolist()]
    assert (
        [one.label for one in targets.predictions("wxyz", logits)]
        == [RANKS[k] for k in medians]
        == ["3.5", "1", "7", "7"]
    )


def test_the_optimum_of_ranks_without_texts_is_the_share_that_passes_each():
    counts = [7, 2, 5, 3]
    ranks = torch.tensor([k for k, count in enumerate(counts) for _ in range(count)])
    logits = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=100, tolerance_grad=1e-9)

    def closure():
        optimizer.zero_grad()
        total = Ordinal(RANKS).loss(logits.expand(17, 3), ranks).total
        total.backward()
        return total

    optimizer.step(closure)
    assert logits.detach().sigmoid().tolist() == pytest.approx([10 / 17, 8 / 10, 3 / 8], abs=1e-4)
    assert Ordinal(RANKS).probabilities(logits.detach()[None])[0].tolist() == pytest.approx(
        [n / 17 for n in counts], abs=1e-4
    )


@every
def test_the_program_of_an_export_prints_what_is_predicted(name, capsys):
    targets, _, logits = MADE[name]
    config = {"labels": targets.labels, "targets": targets.config()}
    for found, row in zip(targets.predictions(["x"] * N, logits), logits, strict=True):
        exec(targets.answer_code, {"np": np, "logits": row[None].numpy(), "config": config})
        said = [line.split() for line in capsys.readouterr().out.splitlines()]
        if name == "regression":
            expected = [[found.value]]
        else:
            labels = sorted(found.labels, key=NAMES.index) if name == "multi-label" else [found.label]
            expected = [[label, found.probabilities[label]] for label in labels]
        assert [line[:-1] for line in said] == [line[:-1] for line in expected]
        assert [float(line[-1]) for line in said] == pytest.approx([line[-1] for line in expected], abs=1e-4)


def test_a_threshold_is_the_one_that_trying_all_finds():
    draw = np.random.default_rng(0)
    for _ in range(20):
        odds, true = draw.integers(0, 9, 17) / 9, draw.random(17) < 0.3
        tried = [theirs.f1_score(true, odds >= least, zero_division=0) for least in [*np.unique(odds), 2]]
        assert theirs.f1_score(true, odds >= best_threshold(odds, true), zero_division=0) == pytest.approx(max(tried))
    assert best_threshold(np.array([0.2, 0.7]), np.array([False, False])) == 0.5


def test_rare_labels_share_a_threshold_and_frequent_ones_have_their_own():
    draw = np.random.default_rng(1)
    true = draw.random((200, 3)) < [0.5, 0.3, 0.02]
    odds = np.clip(true * [0.2, 0.6, 0.5] + draw.random((200, 3)) * 0.4, 0, 1)
    found = fitted_thresholds(odds, true)
    common = best_threshold(odds.ravel(), true.ravel())
    assert found[2] == common
    assert found[0] != common
    assert theirs.f1_score(true, odds >= found, average="micro") >= theirs.f1_score(
        true, odds >= common, average="micro"
    )


@pytest.mark.parametrize("name", ["single-label", "multi-label", "ordinal"])
def test_a_temperature_is_the_one_with_the_lowest_loss(name):
    targets, _, logits = MADE[name]
    signs = targets.linear_problem().targets(numbers(name).numpy())
    logits = 3 * logits + 2 * torch.from_numpy(signs)  # too sure, and often right
    plain = targets.calibrated(logits, numbers(name), 1.0)
    scale = plain.scale_of(logits, numbers(name), None, 1.0)
    found = plain.calibrated(logits, numbers(name), scale)
    assert found.temperature == pytest.approx(1 / scale)
    assert found.metrics_of(logits, numbers(name))["loss"] < plain.metrics_of(logits, numbers(name))["loss"]

    def cost(one):  # with the prior, which pulls towards 1
        terms = targets.outputs if name == "multi-label" else 1
        return N * terms * one.metrics_of(logits, numbers(name))["loss"] + np.log(one.temperature) ** 2 / (2 * 0.5**2)

    tries = [plain.calibrated(logits, numbers(name), s) for s in np.geomspace(scale / 3, scale * 3, 15)]
    best = min(tries, key=cost)
    assert cost(found) <= cost(best) + 1e-4
    assert scale < 0.9
    assert found.calibrated_as(best).temperature == best.temperature


def test_the_rare_label_of_two_gets_a_threshold_and_a_curve():
    assert rare_of({"no": 90, "yes": 10}) == ("yes", 0.5)
    assert rare_of({"no": 60, "yes": 40}) is None
    assert rare_of({"no": 90, "yes": 5, "so": 5}) is None
    classes = torch.tensor([0] * 30 + [1] * 5)
    logits = torch.randn(35, 2, generator=torch.Generator().manual_seed(0))
    logits[:, 1] += classes * 1.5 - 1
    targets = SingleLabel(["no", "yes"], rare=RareLabel("yes", 0.5)).calibrated(logits, classes)
    odds, true = logits.softmax(1)[:, 1].numpy(), classes.numpy()
    at = targets.scores(logits, classes).tables["at_threshold"]["yes"]
    said = odds >= targets.rare.threshold
    assert at["f1"] == pytest.approx(theirs.f1_score(true, said))
    assert at["f1"] == pytest.approx(max(theirs.f1_score(true, odds >= t) for t in odds))
    assert at["average_precision"] == pytest.approx(theirs.average_precision_score(true, odds))
    precision, recall, _ = theirs.precision_recall_curve(true, odds)
    expected = sorted(zip(recall[:-1], precision[:-1], strict=True))
    np.testing.assert_allclose(sorted(precision_recall(logits.softmax(1)[:, 1], classes == 1)), expected)
    assert targets.config()["rare"] == {"label": "yes", "threshold": targets.rare.threshold}


WRONG = {
    "a temperature": ("single-label", NAMES, {"temperature": 0}, "'temperature' is 0, expected a number"),
    "a rare label": ("single-label", NAMES, {"rare": {"label": "z", "threshold": 0.5}}, "key 'rare' is"),
    "another key": ("single-label", NAMES, {"scale": 1}, "unknown key of targets 'scale'"),
    "thresholds": ("multi-label", NAMES, {"thresholds": [0.5], "temperature": 1}, "expected a list of 3 numbers"),
    "a text": ("multi-label", NAMES, {"thresholds": [0.5, "x", 1], "temperature": 1}, "'thresholds' is"),
    "no labels": ("multi-label", [], {"thresholds": [], "temperature": 1}, "must hold one or more"),
    "no std": ("regression", [], {"mean": 0.0}, "key 'std' is None"),
    "std": ("regression", [], {"mean": 0.0, "std": 0}, "key 'std' is 0"),
    "infinite": ("regression", [], {"mean": float("inf"), "std": 1.0}, "key 'mean' is inf"),
    "names": ("ordinal", ["low", "high"], {"temperature": 1}, "ranks are numbers"),
    "falling": ("ordinal", ["2", "1"], {"temperature": 1}, "in rising order"),
    "nan": ("ordinal", ["nan", "1"], {"temperature": 1}, "in rising order"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_hostile_configuration_is_refused(name):
    kind, labels, config, message = WRONG[name]
    with pytest.raises((DataError, UserError), match=message):
        TARGETS[kind].check_config(labels, config)
