"""Another step of the weights: a teacher that averages, and a GAN with two optimizers; resumed, logged, saved."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from lingon.core.errors import UserError
from lingon.data.batches import Loader, Shuffled
from lingon.engine import precision, schedule
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.loss import Loss
from lingon.engine.optimizers import adam, sgd
from lingon.engine.run import Run
from lingon.engine.save_interval import SaveInterval
from lingon.engine.step import step
from tests.engine.test_reliability import python
from tests.engine.tiny import batches, digest, loss_of, record, tiny

DRAW = np.random.default_rng(0)
POINTS = torch.from_numpy(DRAW.normal(size=(53, 5))).float()


class Teacher:
    """A student learns to agree with the moving average of itself (Tarvainen 2017, "Mean teachers")."""

    def __init__(self, student, decay=0.9):
        self.model, self.decay = copy.deepcopy(student).requires_grad_(False), decay

    def __call__(self, training, group, loss_fn):
        def loss(student, batch):
            with torch.no_grad():
                wanted = self.model(batch.x)
            return Loss(((student(batch.x + 0.1) - wanted) ** 2).sum(), wanted.numel())

        found = step(training, group, loss)
        with torch.no_grad():
            for mine, theirs in zip(self.model.parameters(), training.unwrapped.parameters(), strict=True):
                mine.lerp_(theirs, 1 - self.decay)
        return found

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


class GAN:
    """Points from noise: a critic learns to tell them from real ones, a generator to deceive it (Goodfellow 2014)."""

    def __init__(self, critic_optimizer):
        self.critic_optimizer = critic_optimizer

    def __call__(self, training, group, loss_fn):
        critic = step(training, group, critic_loss, self.critic_optimizer)
        generator = step(training, group, generator_loss)
        return generator._replace(logs={"critic_loss": critic.loss * generator.count})

    def state_dict(self):
        return self.critic_optimizer.state_dict()

    def load_state_dict(self, state):
        self.critic_optimizer.load_state_dict(state)


def critic_loss(model, batch):
    made = model["generator"](torch.randn(len(batch), 2)).detach()
    real, fake = model["critic"](batch.x), model["critic"](made)
    return Loss(F.softplus(-real).sum() + F.softplus(fake).sum(), len(batch))


def generator_loss(model, batch):
    return Loss(F.softplus(-model["critic"](model["generator"](torch.randn(len(batch), 2)))).sum(), len(batch))


def loader():
    return Loader({"x": POINTS}, Shuffled(53, 7, seed=3))


def with_teacher(run=None, **config):
    torch.manual_seed(0)
    student = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Dropout(0.1), nn.Linear(7, 3))
    teacher = Teacher(student)
    config = TrainConfig(**{"steps": 11, "log_every": 1, "max_grad_norm": 0.5, **config})
    rows = fit(student, loader(), None, sgd(student, 0.1), config=config, run=run, update=teacher).rows
    return digest(student), digest(teacher.model), record(rows)


def gan():
    torch.manual_seed(0)
    return nn.ModuleDict({"generator": nn.Linear(2, 5), "critic": nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 1))})


def with_critic(run=None, **config):
    model = gan()
    update = GAN(adam(model["critic"], 0.02))
    config = TrainConfig(**{"steps": 11, "log_every": 1, **config})
    rows = fit(model, loader(), None, adam(model["generator"], 0.01), config=config, run=run, update=update).rows
    return digest(model), record(rows)


@pytest.mark.parametrize("train", [with_teacher, with_critic])
@pytest.mark.parametrize("accumulation_steps", [1, 3])
def test_resumed_bit_for_bit_with_all_that_an_update_keeps(tmp_path, train, accumulation_steps):
    whole = train(accumulation_steps=accumulation_steps)
    for resume, steps in ((False, 4), (True, 11)):
        with Run.open(tmp_path / "run", {}, resume=resume, save_interval=SaveInterval(steps=1)) as run:
            stopped = train(run, steps=steps, accumulation_steps=accumulation_steps)
    assert stopped == whole
    assert [row["step"] for row in stopped[-1]] == list(range(1, 12))


def test_a_teacher_is_the_average_that_a_loop_written_out_gives():
    torch.manual_seed(0)
    student = nn.Linear(5, 3)
    teacher, twin = Teacher(student), copy.deepcopy(student)
    fit(student, loader(), None, sgd(student, 0.1), config=TrainConfig(steps=5), update=teacher)

    average = copy.deepcopy(twin)
    for batch, _ in zip(loader(), range(5), strict=False):
        loss = ((twin(batch.x + 0.1) - average(batch.x).detach()) ** 2).mean()
        gradients = torch.autograd.grad(loss, list(twin.parameters()))
        with torch.no_grad():
            for p, mean, gradient in zip(twin.parameters(), average.parameters(), gradients, strict=True):
                p -= 0.1 * gradient
                mean.copy_(0.9 * mean + 0.1 * p)
    torch.testing.assert_close(student.weight, twin.weight)
    torch.testing.assert_close(teacher.model.weight, average.weight)


@pytest.mark.parametrize("optimizer", [adam, sgd])
def test_weights_that_lie_channels_last_are_resumed_bit_for_bit(tmp_path, optimizer):
    """A fused optimizer goes through numbers as they lie: its state must lie as the weights do, also when loaded."""
    images = DRAW.normal(size=(13, 3, 5, 7)).astype(np.float32)

    def trained(run=None, steps=7):
        torch.manual_seed(0)
        model = nn.Conv2d(3, 11, 3).to(memory_format=torch.channels_last)
        batches, loss = Loader({"x": images}, Shuffled(13, 4)), lambda model, batch: model(batch.x).square().mean()
        fit(model, batches, loss, optimizer(model, 0.1), config=TrainConfig(steps=steps), run=run)
        return digest(model)

    for resume, steps in ((False, 3), (True, 7)):
        with Run.open(tmp_path / "run", {}, resume=resume, save_interval=SaveInterval(steps=1)) as run:
            stopped = trained(run, steps)
    assert stopped == trained()


def test_two_optimizers_are_the_two_steps_that_everyone_writes():
    rows, model = with_critic(steps=5)[1], gan()
    optimizers = [
        torch.optim.Adam(model[name].parameters(), lr) for name, lr in (("critic", 0.02), ("generator", 0.01))
    ]
    losses = []
    for batch, _ in zip(loader(), range(5), strict=False):
        for optimizer, loss_fn in zip(optimizers, (critic_loss, generator_loss), strict=True):
            optimizer.zero_grad()
            loss = loss_fn(model, batch).total / len(batch)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert [row["critic_loss"] for row in rows] == pytest.approx(losses[0::2], rel=1e-5)
    assert [row["loss"] for row in rows] == pytest.approx(losses[1::2], rel=1e-5)


def test_an_optimizer_clips_and_moves_its_own_weights_alone():
    model = gan()
    before = {name: digest(part) for name, part in model.items()}
    found = []

    def critic_alone(training, group, loss_fn):
        found.append(step(training, group, critic_loss, optimizer))
        norms = [p.grad.norm() for p in model["critic"].parameters()]
        assert torch.stack(norms).norm().item() == pytest.approx(min(0.01, found[-1].grad_norm), rel=1e-4)
        return found[-1]

    optimizer = sgd(model["critic"], 0.1)
    model["generator"].weight.grad = torch.full((5, 2), 1e9)  # of another step: no part of this one
    config = TrainConfig(steps=3, max_grad_norm=0.01, log_every=1, schedule=schedule.linear(4))
    rows = fit(model, loader(), None, sgd(model["generator"], 9.0), config=config, update=critic_alone).rows
    assert digest(model["generator"]) == before["generator"]
    assert digest(model["critic"]) != before["critic"]
    assert [row["lr"] for row in rows] == pytest.approx([0.1, 0.075, 0.05])
    assert all(0.01 < each.grad_norm < 100 for each in found)


def test_the_parts_of_a_step_serve_with_half_precision_too():
    torch.manual_seed(0)
    _, rows = with_critic(precision=precision.bfloat16(), accumulation_steps=2)
    assert all(np.isfinite(row["loss"]) and row["critic_loss"] > 0 for row in rows)


def test_a_function_without_a_state_is_an_update():
    twice = lambda training, group, loss_fn: [step(training, group, loss_fn) for _ in range(2)][1]
    model, twin = tiny(dropout=0), tiny(dropout=0)
    assert fit(model, batches(), loss_of, sgd(model, 0.1), config=TrainConfig(steps=3), update=twice).steps == 3
    optimizer = torch.optim.SGD(twin.parameters(), 0.1)
    for batch, _ in zip(batches(), range(3), strict=False):
        for _ in range(2):
            optimizer.zero_grad()
            loss_of(twin, batch).backward()
            optimizer.step()
    torch.testing.assert_close(model.out.weight, twin.out.weight)


@pytest.mark.parametrize(("first", "message"), [(True, "the one given now keeps none"), (False, "keeps a state")])
def test_a_run_resumes_only_with_an_update_of_its_kind(tmp_path, first, message):
    def train(run, taught):
        model = nn.Linear(5, 3)
        loss = lambda model, batch: model(batch.x).pow(2).mean()
        update = Teacher(model) if taught else step
        fit(model, loader(), loss, sgd(model, 0.1), config=TrainConfig(steps=2), run=run, update=update)

    with Run.open(tmp_path / "run", {}) as run:
        train(run, first)
    with Run.open(tmp_path / "run", {}, resume=True) as run, pytest.raises(UserError, match=message):
        train(run, not first)


@pytest.mark.long
def test_an_update_sees_with_two_processes_what_it_sees_with_one(tmp_path):
    from tests.engine.update_ranks import taught

    run = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    code, _, errors = python(*run, "-m", "tests.engine.update_ranks", tmp_path / "weights")
    assert code == 0, errors
    for name, wanted in taught().items():
        for rank in (0, 1):
            found = load_file(tmp_path / f"weights-{rank}")[name]
            torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)
