"""Dual coordinate descent: against scikit-learn's LinearSVC, and resumed as if it had never stopped."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from lingon.core.errors import DataError, Interrupted, UserError
from lingon.data.batches import Values, text_batches
from lingon.engine.dual_coordinate_descent import DualCoordinateDescent
from lingon.engine.evaluation import Evaluation
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.linear_problems import Continuation, OneVersusRest
from lingon.engine.run import Run
from lingon.engine.save_interval import SaveInterval

TEXTS, ROWS, CLASSES = 97, 31, 3


class Counts(nn.Module):
    """A linear model of how often each id stands in a text, over the length of the text."""

    def __init__(self, classes: int = CLASSES):
        super().__init__()
        self.table, self.bias = nn.Parameter(torch.ones(ROWS, classes)), nn.Parameter(torch.ones(classes))

    def forward(self, ids, mask):
        return dense(ids, mask) @ self.table + self.bias

    def features(self, ids, mask):
        x = dense(ids, mask)
        texts, rows = x.nonzero(as_tuple=True)
        ends = torch.bincount(texts, minlength=len(x)).cumsum(0)
        return rows, x[texts, rows], torch.cat([ends.new_zeros(1), ends])


def dense(ids, mask):
    x = torch.zeros(len(ids), ROWS).scatter_add_(1, ids, mask.float())
    return x / x.norm(dim=1, keepdim=True)


def examples(classes: int = CLASSES, seed: int = 0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, TEXTS)
    ids = [rng.choice(ROWS, rng.integers(3, 14), p=weights(label)).tolist() for label in labels]
    return ids, labels.tolist()


def weights(label: int) -> np.ndarray:
    favoured = 1.0 + 2.0 * (np.arange(ROWS) % CLASSES == label)
    return favoured / favoured.sum()


def loader(classes: int = CLASSES):
    ids, labels = examples(classes)
    return text_batches(ids, labels, max_tokens=200, batch_size=23, seed=5)


def trained(classes: int = CLASSES, run=None, update=None, epochs: int = 400, class_weights=None, **how):
    model = Counts(classes)
    optimizer = DualCoordinateDescent(model, TEXTS, problem=OneVersusRest(classes, class_weights), **how)
    config = TrainConfig(epochs=epochs)
    history = fit(
        model,
        loader(classes),
        None,
        optimizer,
        config=config,
        run=run,
        update=update(optimizer) if update else optimizer.update,
    )
    return model, optimizer, history


def drawn_weights() -> np.ndarray:
    return np.random.default_rng(2).choice([0.25, 1.0, 2.0, 5.0], TEXTS)


def fitted(columns, rows: int = TEXTS, **how):
    """A model trained to its optimum on all texts, with these columns beside their ids; rows: of the ids, repeated."""
    ids, _ = examples()
    outputs = len(how["problem"].targets(columns["labels"][:1])[0])
    model = Counts(outputs)
    batches = text_batches(
        [ids[i % TEXTS] for i in range(rows)],
        max_tokens=200,
        batch_size=23,
        columns={name: Values(name, values) for name, values in columns.items()},
    )
    optimizer = DualCoordinateDescent(model, rows, tolerance=1e-9, **how)
    fit(model, batches, None, optimizer, config=TrainConfig(epochs=600), update=optimizer.update)
    assert optimizer.converged
    return model


def test_weights_of_examples_are_those_of_linear_svc():
    svm = pytest.importorskip("sklearn.svm")
    weights, (x, y) = drawn_weights(), all_texts()
    columns = {"labels": y, "weights": weights.astype(np.float32)}
    model = fitted(columns, C=[0.7], problem=OneVersusRest(CLASSES))
    theirs = svm.LinearSVC(C=0.7, tol=1e-8, max_iter=100_000).fit(x, y, sample_weight=weights)
    np.testing.assert_allclose(model.table.detach().T.numpy(), theirs.coef_, atol=2e-3)
    np.testing.assert_allclose(model.bias.detach().numpy(), theirs.intercept_, atol=2e-3)


def test_each_output_of_ranks_is_learned_of_the_texts_that_reach_it():
    svm = pytest.importorskip("sklearn.svm")
    x, y = all_texts()
    model = fitted({"labels": y}, C=[0.7], problem=Continuation(CLASSES - 1))
    for k in range(CLASSES - 1):
        reach = y >= k
        theirs = svm.LinearSVC(C=0.7, tol=1e-8, max_iter=100_000).fit(x[reach], y[reach] > k)
        np.testing.assert_allclose(model.table.detach()[:, k].numpy(), theirs.coef_[0], atol=2e-3)
        np.testing.assert_allclose(model.bias.detach()[k].numpy(), theirs.intercept_[0], atol=2e-3)


def test_weight_two_is_an_example_twice():
    _, y = all_texts()
    weights = np.ones(TEXTS, np.float32)
    weights[:11] = 2
    heavy = fitted({"labels": y, "weights": weights}, C=[0.7], problem=OneVersusRest(CLASSES))
    twice = fitted({"labels": np.concatenate([y, y[:11]])}, TEXTS + 11, C=[0.7], problem=OneVersusRest(CLASSES))
    torch.testing.assert_close(heavy.table, twice.table, atol=2e-3, rtol=0)
    plain = fitted({"labels": y}, C=[0.7], problem=OneVersusRest(CLASSES))
    assert (heavy.table - plain.table).abs().max() > 0.02


def all_texts():
    ids, labels = examples()
    (batch,) = text_batches(ids, labels, max_tokens=10**6, shuffle=False)
    order = batch.index.argsort()
    return dense(batch.ids, batch.mask)[order].numpy(), np.array(labels)


@pytest.mark.parametrize("C", [0.1, 3.0])
@pytest.mark.parametrize("class_weights", [None, [1.0, 2.5, 0.5]])
def test_the_optimum_is_that_of_linear_svc(C, class_weights):
    svm = pytest.importorskip("sklearn.svm")
    model, optimizer, history = trained(C=[C], class_weights=class_weights, tolerance=1e-9)
    x, y = all_texts()
    weight = None if class_weights is None else dict(enumerate(class_weights))
    theirs = svm.LinearSVC(C=C, class_weight=weight, tol=1e-8, max_iter=100_000).fit(x, y)
    assert optimizer.converged
    assert history.steps < 400 * len(loader())
    if class_weights is None:  # scikit-learn gives a class its weight where it is the positive one alone
        np.testing.assert_allclose(model.table.detach().T.numpy(), theirs.coef_, atol=2e-3)
        np.testing.assert_allclose(model.bias.detach().numpy(), theirs.intercept_, atol=2e-3)


def objective(model, C, weights_of_classes) -> np.ndarray:
    """The primal objective of each class, in float64."""
    x, y = all_texts()
    w, b = model.table.detach().double().numpy(), model.bias.detach().double().numpy()
    signs = np.where(y[:, None] == np.arange(CLASSES), 1.0, -1.0)
    losses = np.maximum(0, 1 - signs * (x @ w + b)) ** 2 * np.array(weights_of_classes)[y][:, None]
    return ((w**2).sum(0) + b**2) / 2 + C * losses.sum(0)


def test_the_dual_objective_is_the_primal_at_the_optimum():
    own = [1.0, 2.5, 0.5]
    model, optimizer, _ = trained(C=[0.5], class_weights=own, tolerance=1e-9)
    assert optimizer.dual == pytest.approx(objective(model, 0.5, own).sum(), rel=1e-4)


def test_a_path_comes_to_the_optimum_of_each_strength():
    own = [1.0, 2.5, 0.5]
    model, optimizer, history = trained(C=[0.1, 1.0, 5.0], class_weights=own, tolerance=1e-9)
    alone, _, _ = trained(C=[5.0], class_weights=own, tolerance=1e-9)
    assert len(optimizer.optima) == 3
    assert optimizer.optima == sorted(optimizer.optima)
    assert history.steps == optimizer.optima[-1]
    assert optimizer.dual == pytest.approx(objective(model, 5.0, own).sum(), rel=1e-4)
    torch.testing.assert_close(model.table, alone.table, atol=5e-3, rtol=0)
    assert [optimizer.chosen(step) for step in optimizer.optima] == [0.1, 1.0, 5.0]
    assert optimizer.chosen(optimizer.optima[0] + 1) == 1.0


def test_it_is_evaluated_at_each_optimum_and_keeps_the_best():
    seen = []
    model = Counts()
    optimizer = DualCoordinateDescent(model, TEXTS, C=[0.1, 1.0, 5.0])

    def evaluate(model):
        seen.append(model.table.detach().clone())
        return {"accuracy": [0.5, 0.75, 0.25][len(seen) - 1]}

    evaluation = Evaluation(evaluate, every=optimizer.optimal)
    config = TrainConfig(epochs=400)
    history = fit(model, loader(), None, optimizer, config=config, evaluation=evaluation, update=optimizer.update)
    assert len(seen) == 3
    assert optimizer.chosen(history.best_step) == 1.0
    assert torch.equal(model.table, seen[1])


def test_two_classes_are_mirror_images():
    model, _, _ = trained(classes=2)
    torch.testing.assert_close(model.table[:, 0], -model.table[:, 1])
    torch.testing.assert_close(model.bias[0], -model.bias[1])


def test_a_stop_in_between_changes_no_bit(tmp_path):
    whole, _, history = trained(C=[0.3, 3.0], tolerance=1e-4)
    for stop in (1, 7, 12, 40):
        folder = tmp_path / str(stop)
        with Run.open(folder, {}, save_interval=SaveInterval(steps=1)) as run, pytest.raises(Interrupted):
            trained(C=[0.3, 3.0], tolerance=1e-4, run=run, update=partial(Stopped, at=stop))
        with Run.open(folder, {}, resume=True) as run:
            again, _, resumed = trained(C=[0.3, 3.0], tolerance=1e-4, run=run)
        assert torch.equal(again.table, whole.table)
        assert torch.equal(again.bias, whole.bias)
        assert resumed.steps == history.steps


class Stopped:
    """An update that is interrupted before a step."""

    def __init__(self, optimizer, at: int):
        self.optimizer, self.at = optimizer, at

    def __call__(self, trainer, group, loss_fn):
        if trainer.state.step == self.at:
            raise Interrupted("stopped by the test")
        return self.optimizer.update(trainer, group, loss_fn)


def test_a_state_of_another_training_is_refused():
    saved = DualCoordinateDescent(Counts(), TEXTS).state_dict()
    with pytest.raises(DataError, match=r"\[97, 3\] for C .*expected \[96, 3\]"):
        DualCoordinateDescent(Counts(), 96).load_state_dict(saved)
    with pytest.raises(DataError, match="for C"):
        DualCoordinateDescent(Counts(), TEXTS, C=[1.0]).load_state_dict(saved)


@pytest.mark.parametrize("C", [[], [0.0], [-1.0], [float("inf")], [3.0, 1.0]])
def test_impossible_strengths_are_refused(C):
    with pytest.raises(UserError, match="expected rising numbers above 0"):
        DualCoordinateDescent(Counts(), TEXTS, C=C)


def test_it_says_how_it_is_used():
    with pytest.raises(UserError, match=r"update=optimizer\.update"):
        DualCoordinateDescent(Counts(), TEXTS).step()
