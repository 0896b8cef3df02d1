"""A linear layer at its optimum is the estimator of scikit-learn, along a path of C, and resumes."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression, Ridge
from torch import nn

from lingon.core.errors import DataError, UserError
from lingon.data.batches import Loader
from lingon.data.batches.order import SequentialOrder
from lingon.engine.convex_optimum import ConvexOptimum
from lingon.engine.evaluation import Evaluation
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.loss import Loss

N, D, C = 53, 5, 3
PATH = (0.1, 1.0, 10.0)


def data():
    draw = np.random.default_rng(0)
    labels = draw.integers(0, C, N)
    vectors = (draw.normal(size=(N, D)) + 0.7 * np.eye(C, D)[labels]) * 0.2 + 3
    return vectors.astype(np.float32), labels


def cross_entropy(logits, batch):
    return Loss(F.cross_entropy(logits, batch.labels, reduction="sum"), len(batch))


def square(logits, batch):
    return Loss((logits[:, 0] - batch.labels).square().sum() / 2, len(batch))


def trained(labels, path, loss=cross_entropy, outputs=C, evaluation=None):
    head, (vectors, _) = nn.Linear(D, outputs), data()
    optimizer = ConvexOptimum(head, loss, path)
    batches = Loader({"vectors": vectors, "labels": labels}, SequentialOrder(N, N))
    config = TrainConfig(epochs=len(path), log_every=1)
    history = fit(head, batches, None, optimizer, update=optimizer.update, config=config, evaluation=evaluation)
    return head, optimizer, history


def scaled(vectors):
    centred = vectors.astype(np.float64) - vectors.mean(0, dtype=np.float64)
    return centred / np.sqrt((centred**2).mean())


@pytest.mark.parametrize("c", PATH)
def test_it_is_the_logistic_regression_of_scikit_learn(c):
    vectors, labels = data()
    head, optimizer, _ = trained(labels, (c,))
    assert optimizer.converged
    theirs = LogisticRegression(C=c, tol=1e-10, max_iter=10_000).fit(scaled(vectors), labels)
    ours = head(torch.from_numpy(vectors)).softmax(-1).detach().numpy()
    np.testing.assert_allclose(ours, theirs.predict_proba(scaled(vectors)), atol=2e-4)


def test_with_squares_it_is_ridge_regression():
    vectors, _ = data()
    values = torch.from_numpy(vectors @ np.arange(D) + 1).double()
    head, _, _ = trained(values, (2.0,), square, outputs=1)
    theirs = Ridge(alpha=1 / 2.0).fit(scaled(vectors), values.numpy())
    np.testing.assert_allclose(
        head(torch.from_numpy(vectors))[:, 0].detach().numpy(), theirs.predict(scaled(vectors)), atol=1e-3
    )


def test_the_best_of_a_path_is_kept():
    vectors, labels = data()
    seen = []

    def evaluate(head):
        seen.append(head.weight.norm().item())
        return {"accuracy": float(len(seen) == 2)}

    optimizer = None
    head = nn.Linear(D, C)
    optimizer = ConvexOptimum(head, cross_entropy, PATH)
    batches = Loader({"vectors": vectors, "labels": labels}, SequentialOrder(N, N))
    evaluation = Evaluation(evaluate, every=optimizer.optimal, metric="accuracy")
    config = TrainConfig(epochs=3, log_every=1)
    history = fit(head, batches, None, optimizer, update=optimizer.update, config=config, evaluation=evaluation)
    assert seen == sorted(seen)
    assert len(seen) == 3  # less of a penalty, longer weights
    assert (history.best_step, optimizer.chosen(history.best_step), head.weight.norm().item()) == (2, 1.0, seen[1])


def test_a_path_goes_on_where_it_was():
    _, optimizer, _ = trained(data()[1], PATH)
    again = ConvexOptimum(nn.Linear(D, C), cross_entropy, PATH)
    again.load_state_dict(optimizer.state_dict())
    assert again.converged
    with pytest.raises(DataError, match="the path of C is"):
        ConvexOptimum(nn.Linear(D, C), cross_entropy, (1.0,)).load_state_dict(optimizer.state_dict())


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(UserError, match="expected rising numbers above 0"):
        ConvexOptimum(nn.Linear(D, C), cross_entropy, (3.0, 1.0))
    with pytest.raises(UserError, match=r"update=optimizer\.update"):
        ConvexOptimum(nn.Linear(D, C), cross_entropy).step()
