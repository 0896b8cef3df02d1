"""The loop: steps, accumulation, clipping, guards, evaluation."""

import math

import pytest
import torch
from torch import nn

from lingon.core.errors import NotFinite, UserError
from lingon.engine import gradient, schedule
from lingon.engine.evaluation import Evaluation
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw, sgd
from tests.engine.tiny import TEXTS, VOCAB, batches, digest, loss_of, record, texts, tiny, train


def by_hand(model, steps, loss=loss_of):
    """The training loop that everyone writes."""
    optimizer, source, losses = adamw(model, 1e-2), batches(), []
    while len(losses) < steps:
        for batch in source:
            optimizer.zero_grad()
            value = loss(model, batch)
            value.backward()
            optimizer.step()
            losses.append(value.item())
            if len(losses) == steps:
                break
    return losses


def test_a_plain_training_is_the_loop_that_everyone_writes():
    ours, theirs = tiny(), tiny()
    torch.manual_seed(1)
    history = train(ours, loss=loss_of)
    torch.manual_seed(1)
    losses = by_hand(theirs, 30)
    assert [row["loss"] for row in history.rows] == pytest.approx(losses, rel=1e-12)
    assert digest(ours) == digest(theirs)


def test_the_same_seed_gives_the_same_weights():
    first, second, other = (tiny(seed=seed) for seed in (0, 0, 1))
    for model in (first, second, other):
        torch.manual_seed(3)
        train(model, loss=loss_of)
    assert digest(first) == digest(second) != digest(other)


class Whole:
    """Batches cut by hand at given rows, in order."""

    epoch = 0

    def __init__(self, cuts):
        self.cuts, self.position = cuts, 0

    def __len__(self):
        return len(self.cuts) - 1

    def __iter__(self):
        from lingon.data.batches import collate

        ids, labels = texts()
        while self.position < len(self):
            a, b = self.cuts[self.position], self.cuts[self.position + 1]
            self.position += 1
            yield collate(ids[a:b], labels[a:b])

    def set_epoch(self, epoch):
        self.epoch, self.position = epoch, 0


@pytest.mark.parametrize("cuts", [[0, 17, 34, 51], [0, 3, 14, 51]], ids=["equal", "unequal"])
def test_accumulated_batches_are_one_big_batch(cuts):
    small, big = tiny(dropout=0).double(), tiny(dropout=0).double()
    for model, source, accumulate in ((small, Whole(cuts), 3), (big, Whole([0, 51]), 1)):
        fit(model, source, loss_of, sgd(model, 0.1), config=TrainConfig(steps=5, accumulation_steps=accumulate))
    for mine, theirs in zip(small.parameters(), big.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)


def test_the_last_incomplete_group_of_an_epoch_is_a_step():
    model = tiny()
    history = fit(
        model,
        Whole([0, 10, 20, 30, 40, 53]),
        loss_of,
        sgd(model, 0.1),
        config=TrainConfig(epochs=2, accumulation_steps=3),
    )
    assert history.steps == 4
    assert history.examples == 2 * TEXTS


@pytest.mark.parametrize(("epochs", "steps", "expected"), [(2, None, 10), (0.5, None, 3), (1.2, None, 6), (3, 7, 7)])
def test_the_end_is_where_the_plan_says(epochs, steps, expected):
    model, source = tiny(), Whole([0, 10, 20, 30, 40, 53])
    config = TrainConfig(epochs=epochs, steps=steps)
    assert config.total(len(source)) == expected
    assert fit(model, source, loss_of, sgd(model, 0.1), config=config).steps == expected


def test_the_learning_rate_follows_the_schedule():
    history = train(tiny(), steps=12, schedule=schedule.warmup(3, schedule.linear(9)))
    factors = [(i + 1) / 3 for i in range(3)] + [1 - i / 9 for i in range(9)]
    assert [row["lr"] for row in history.rows] == pytest.approx([1e-2 * f for f in factors])


def test_clipping_is_that_of_torch():
    model, twin = tiny(dropout=0), tiny(dropout=0)
    for m in (model, twin):
        loss_of(m, next(iter(batches()))).backward()
    found = gradient.gradients(model.parameters())
    gradient.clip_norm(found, gradient.grad_norm(found), 0.01)
    torch.nn.utils.clip_grad_norm_(twin.parameters(), 0.01)
    for mine, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=2e-4, atol=0)  # torch adds 1e-6 to the length
    assert gradient.grad_norm(gradient.gradients(model.parameters())).item() == pytest.approx(0.01)


def test_a_sparse_gradient_is_clipped_like_a_dense_one():
    lengths, grads = [], []
    for sparse in (True, False):
        torch.manual_seed(0)
        embedding = nn.Embedding(5, 3, sparse=sparse)
        (embedding(torch.tensor([1, 1, 4])) ** 2).sum().backward()
        found = gradient.gradients(embedding.parameters())
        lengths.append(gradient.grad_norm(found).item())
        gradient.clip_norm(found, gradient.grad_norm(found), 0.5)
        grads.append(embedding.weight.grad.to_dense())
    assert lengths[0] == pytest.approx(lengths[1])
    torch.testing.assert_close(*grads)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_nan_gradient_stops_before_the_step_and_names_the_parameter(sparse):
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.good = nn.Parameter(torch.ones(3))
            self.bad = nn.Embedding(VOCAB, 3, sparse=sparse)

        def forward(self, ids):
            return self.bad(ids)

    model, calls = Odd(), []

    def loss(model, batch):
        calls.append(1)
        value = (model(batch.ids) ** 2).mean() + (model.good**2).sum()
        # The square root of zero has an infinite slope: the loss is finite, the gradient is not.
        return value + (model(batch.ids) * 0).abs().sqrt().sum() if len(calls) == 4 else value

    before = []

    class Plain(torch.optim.SGD):
        def step(self):
            super().step()
            before.append(model.good.detach().clone())

    with pytest.raises(NotFinite, match=r"step 4: the gradient of 'bad.weight' is NaN"):
        fit(model, batches(), loss, Plain(model.parameters(), 0.01), config=TrainConfig(steps=9, max_grad_norm=1.0))
    assert len(before) == 3
    assert torch.equal(before[-1], model.good)


def test_an_infinite_loss_stops_the_run():
    with pytest.raises(NotFinite, match=r"step 1: .*(inf|infinite|nan)"):
        train(tiny(), loss=lambda model, batch: loss_of(model, batch) * math.inf)


def test_the_best_weights_are_kept_and_patience_ends():
    model, seen = tiny(), []
    values = iter([0.1, 0.5, 0.3, 0.5, 0.2, 0.9])

    def evaluate(model):
        assert not model.training
        seen.append(digest(model))
        return {"accuracy": next(values), "other": 1.0}

    history = train(model, evaluation=Evaluation(evaluate, every=3, patience=3), steps=30)
    assert history.stopped_early
    assert (history.best_step, history.best["accuracy"], history.steps) == (6, 0.5, 15)
    assert digest(model) == seen[1]
    assert [row["valid_accuracy"] for row in history.rows if "valid_accuracy" in row] == [0.1, 0.5, 0.3, 0.5, 0.2]
    assert model.training


def test_lower_can_be_better_and_nan_never_is():
    values = iter([math.nan, 0.5, math.nan, 0.4, 0.6])
    evaluation = Evaluation(lambda m: {"loss": next(values)}, every=2, metric="loss", higher_is_better=False)
    assert train(tiny(), evaluation=evaluation, steps=10).best_step == 8


def test_nan_is_not_called_the_best(capsys, monkeypatch):
    monkeypatch.delenv("LINGON_QUIET", raising=False)
    values = iter([math.nan, 0.5, 1.5e30])
    train(tiny(), evaluation=Evaluation(lambda m: {"loss": next(values)}, every=2, metric="loss"), steps=6)
    told = [line for line in capsys.readouterr().err.splitlines() if "loss" in line and line.startswith("step")]
    assert told == ["step 2: loss nan", "step 4: loss 0.5000 (best)", "step 6: loss 1.5e+30 (best)"]


def test_every_epoch_is_evaluated_and_the_end_too():
    seen = []
    source = Whole([0, 10, 20, 30, 40, 53])
    evaluation = Evaluation(lambda m: seen.append(1) or {"accuracy": 0.5})
    history = train(tiny(), source=source, evaluation=evaluation, steps=13)
    assert [row["step"] for row in history.rows if "valid_accuracy" in row] == [5, 10, 13]


def test_an_unknown_metric_is_refused():
    with pytest.raises(UserError, match="did you mean 'accuracy'"):
        train(tiny(), evaluation=Evaluation(lambda m: {"accuracy": 1.0}, metric="accuracyy"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "the training has no end"),
        ({"steps": 0}, "steps is 0"),
        ({"epochs": -1}, "epochs is -1"),
        ({"steps": 1, "max_grad_norm": 0}, "max_grad_norm is 0"),
        ({"steps": 1, "accumulation_steps": 0}, "accumulation_steps is 0"),
    ],
)
def test_an_impossible_plan_is_refused(given, message):
    with pytest.raises(UserError, match=message):
        TrainConfig(**given)


def test_any_object_that_steps_is_an_optimizer():
    class Own:
        def __init__(self, parameters):
            self.parameters = list(parameters)
            self.param_groups = [{"lr": 0.1}]

        def step(self):
            with torch.no_grad():
                for p in self.parameters:
                    p -= self.param_groups[0]["lr"] * p.grad

        def zero_grad(self):
            for p in self.parameters:
                p.grad = None

    model, twin = tiny(dropout=0), tiny(dropout=0)
    for m, optimizer in ((model, Own(model.parameters())), (twin, sgd(twin, 0.1))):
        fit(m, batches(), loss_of, optimizer, config=TrainConfig(steps=9))
    torch.testing.assert_close(model.out.weight, twin.out.weight)


def test_the_record_has_speed_and_examples():
    history = train(tiny(), epochs=1, steps=None)
    assert history.examples == TEXTS
    assert all(row["examples_per_second"] > 0 and row["tokens_per_second"] > 0 for row in history.rows)
    assert record(history.rows)[-1].keys() == {"step", "epoch", "loss", "lr", "grad_norm"}
    assert history.rows[-1]["epoch"] == 1.0
