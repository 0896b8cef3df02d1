"""The parts of a training, each against PyTorch's own or against arithmetic."""

import shutil

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lingon.core.errors import UserError
from lingon.engine import optimizers as optim
from lingon.engine import precision, schedule
from lingon.engine.average import EMA, NTASGD, SWA, Average
from lingon.engine.compile import compile_model
from lingon.engine.distributed import unwrap
from lingon.engine.evaluation import Evaluation
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.param_groups import parameter_groups
from tests.engine.tiny import batches, digest, loss_of, tiny, train


def theirs(make, steps=23):
    """The factors of one of torch's schedulers."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, factors = make(optimizer), []
    for _ in range(steps):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return factors


TABLE = {
    "constant": (schedule.constant_schedule(), lambda o: torch.optim.lr_scheduler.ConstantLR(o, factor=1.0)),
    "linear": (schedule.linear(17), lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.0, total_iters=17)),
    "linear to a tenth": (schedule.linear(17, 0.1), lambda o: torch.optim.lr_scheduler.LinearLR(o, 1.0, 0.1, 17)),
    "cosine": (schedule.cosine(23), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 23)),
    "cosine to a tenth": (schedule.cosine(23, 0.1), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 23, 0.1)),
    "warm-up": (
        schedule.warmup(5, schedule.constant_schedule()),
        lambda o: torch.optim.lr_scheduler.LinearLR(o, 1 / 5, 1.0, total_iters=4),
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_schedule_is_that_of_torch(name):
    ours, make = TABLE[name]
    assert [ours(step) for step in range(23)] == pytest.approx(theirs(make), abs=1e-12)


def test_warm_up_and_inverse_square_root_are_those_of_the_transformer():
    ours = schedule.warmup(7, schedule.inverse_sqrt(7))
    paper = [min(step**-0.5, step * 7**-1.5) * 7**0.5 for step in range(1, 100)]  # Vaswani 2017, equation 3
    assert [ours(step) for step in range(6)] == pytest.approx(paper[:6])
    assert [ours(step) for step in range(7, 99)] == pytest.approx(paper[6:98])


@pytest.mark.parametrize("make", [schedule.linear, schedule.cosine, schedule.inverse_sqrt])
def test_an_impossible_schedule_is_refused(make):
    with pytest.raises(UserError, match="is 0, expected more than 0"):
        make(0)


def test_biases_and_norms_do_not_decay():
    model = nn.Sequential(nn.Embedding(3, 5), nn.LayerNorm([5, 5]), nn.LSTM(5, 7), nn.Linear(7, 2))
    names = {id(p): name for name, p in model.named_parameters()}
    decaying, others = parameter_groups(model, 0.1)
    assert {names[id(p)] for p in decaying["params"]} == {"0.weight", "2.weight_ih_l0", "2.weight_hh_l0", "3.weight"}
    assert len(decaying["params"]) + len(others["params"]) == len(names)
    assert (decaying["weight_decay"], others["weight_decay"]) == (0.1, 0.0)


def test_frozen_parameters_are_left_out():
    model = tiny().requires_grad_(False)
    with pytest.raises(UserError, match="no trainable parameters"):
        optim.adamw(model, 1e-3)
    model.out.bias.requires_grad_(True)
    assert [len(g["params"]) for g in optim.adamw(model, 1e-3).param_groups] == [1]


@pytest.mark.parametrize(
    ("make", "lr"), [(optim.adamw, 0.05), (optim.adam, 0.05), (optim.sgd, 0.5), (optim.adagrad, 0.2)]
)
def test_every_optimizer_is_fused_and_lowers_the_loss(make, lr):
    model = tiny()
    optimizer = make(model, lr)
    assert all(group["fused"] for group in optimizer.param_groups)
    rows = fit(model, batches(), loss_of, optimizer, config=TrainConfig(epochs=25, log_every=len(batches()))).rows
    assert rows[-1]["loss"] < 0.8 * rows[0]["loss"]


@pytest.mark.parametrize(("lr", "decay", "message"), [(0, 0, "learning rate is 0"), (1, -1, "weight decay is -1")])
def test_impossible_rates_are_refused(lr, decay, message):
    with pytest.raises(UserError, match=message):
        optim.adamw(tiny(), lr, decay)


def steps_of(model, average, count):
    """Takes `count` random steps; returns the weights after each."""
    torch.manual_seed(5)
    seen = []
    for step in range(1, count + 1):
        with torch.no_grad():
            for p in model.parameters():
                p += torch.randn_like(p)
        average(step)
        seen.append(model.out.weight.detach().clone())
    return seen


def test_an_exponential_average_is_that_of_torch_once_warm():
    model = tiny()
    average = Average(EMA(0.5), model)
    average.count = 9  # from here on n / (n + 9) is no longer below the decay
    peer = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.5))
    peer.n_averaged += 1
    steps_of(model, lambda step: (average.update(step), peer.update_parameters(model)), 11)
    with average.applied():
        torch.testing.assert_close(model.out.weight, peer.module.out.weight)


def test_statistics_of_batch_norms_are_averaged_with_the_weights():
    model = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5))
    average = Average(SWA(start=0), model)
    seen = []
    for step in range(3):
        model(torch.randn(7, 3, generator=torch.Generator().manual_seed(step)))
        average.update(step)
        seen.append({part: getattr(model[1], part).clone() for part in ("running_mean", "running_var")})
    with average.applied():
        for part in ("running_mean", "running_var"):
            torch.testing.assert_close(getattr(model[1], part), sum(one[part] for one in seen) / 3)
    torch.testing.assert_close(model[1].running_mean, seen[-1]["running_mean"])
    again = Average(SWA(start=0), model)
    again.load_state_dict(average.state_dict())
    again.copy_to_model()
    torch.testing.assert_close(model[1].running_var, sum(one["running_var"] for one in seen) / 3)


def test_the_first_weights_are_soon_forgotten():
    model = tiny()
    average = Average(EMA(0.999), model)
    expected = model.out.weight.detach().clone()
    for n, weight in enumerate(steps_of(model, average.update, 7)):
        decay = min(0.999, n / (n + 9))
        expected = decay * expected + (1 - decay) * weight
    with average.applied():
        torch.testing.assert_close(model.out.weight.detach(), expected)


def test_a_plain_average_is_the_mean():
    model = tiny()
    average = Average(SWA(start=3, every=2), model)
    seen = steps_of(model, average.update, 8)
    with average.applied():
        torch.testing.assert_close(model.out.weight.detach(), (seen[2] + seen[4] + seen[6]) / 3)
    assert torch.equal(model.out.weight, seen[-1])


def test_a_triggered_average_begins_once_evaluations_get_no_better():
    model = tiny()
    average = Average(NTASGD(patience=2), model)
    steps_of(model, average.update, 3)
    assert not average.count
    for value in (5.0, 4.0, 4.5, 4.2):  # 4.5 and 4.2 are worse than 4, but not than what came 3 before them
        average.observe(value)
    assert not average.started
    average.observe(4.1)  # worse than 4, three before
    seen = steps_of(model, average.update, 5)
    with average.applied():
        torch.testing.assert_close(model.out.weight.detach(), torch.stack(seen).mean(0))


def test_before_its_first_step_an_average_is_the_model_itself():
    model = tiny()
    average = Average(SWA(start=100), model)
    steps_of(model, average.update, 2)
    before = digest(model)
    with average.applied():
        assert digest(model) == before


def test_evaluations_see_the_average_and_training_goes_on_without_it():
    seen, own = [], []
    plain, averaged = tiny(), tiny()

    def evaluate(model):
        seen.append(digest(model))
        return {"accuracy": float(len(seen))}

    torch.manual_seed(2)
    history = train(plain, loss=loss_of, steps=9)
    torch.manual_seed(2)
    watched = train(
        averaged, loss=loss_of, steps=9, weight_average=SWA(start=4), evaluation=Evaluation(evaluate, every=3)
    )
    own = [row["loss"] for row in watched.rows if "loss" in row]
    assert own == [row["loss"] for row in history.rows]
    assert len(set(seen)) == 3
    assert digest(averaged) == seen[-1] != digest(plain)


@pytest.mark.parametrize(
    ("make", "given"), [(EMA, {"decay": 1.0}), (SWA, {"start": -1}), (SWA, {"start": 0, "every": 0})]
)
def test_an_impossible_average_is_refused(make, given):
    with pytest.raises(UserError, match="expected at least 0"):
        make(**given)


def test_bfloat16_is_near_float32_and_not_equal():
    losses = []
    for kind in (precision.float32(), precision.bfloat16()):
        torch.manual_seed(0)
        model = tiny(dropout=0)
        losses.append([row["loss"] for row in train(model, loss=loss_of, precision=kind).rows])
        assert model.out.weight.dtype == torch.float32
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.03)


def test_float16_is_refused_without_a_gpu():
    with pytest.raises(UserError, match="float16 needs a CUDA device, not cpu; use bfloat16"):
        train(tiny(), precision=precision.float16())


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("g++"), reason="there is no C++ compiler")
def test_a_compiled_model_trains_like_the_model():
    eager, fast = tiny(dropout=0), tiny(dropout=0)
    wrapped = compile_model(fast)
    ours = train(wrapped, loss=loss_of, steps=8)
    plain = train(eager, loss=loss_of, steps=8)
    assert [row["loss"] for row in ours.rows] == pytest.approx([row["loss"] for row in plain.rows], abs=1e-5)
    assert unwrap(wrapped) is fast


def test_without_a_compiler_compiling_is_refused(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UserError, match=r"needs a C\+\+ compiler"):
        compile_model(tiny())


def test_rates_of_groups_keep_their_proportions():
    model = tiny()
    groups = [{"params": [model.out.weight], "lr": 0.1}, {"params": [model.out.bias], "lr": 0.3}]
    optimizer = torch.optim.SGD(groups)
    for factor in (0.5, 0.25):
        assert optim.set_rates(optimizer, factor) == 0.1 * factor
        assert [g["lr"] for g in optimizer.param_groups] == [0.1 * factor, 0.3 * factor]
