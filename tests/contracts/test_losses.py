"""The gradient of k accumulated batches, or of k processes, is that of the one big batch, even or uneven."""

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from lingon.core.seed import seed_everything
from lingon.data.batches import contiguous_batches
from lingon.models.lstm import LSTM
from lingon.tasks.language_model.objective import Objective, carried_loss
from tests.contracts.losses import EVEN, LOSSES, UNEVEN, gradient_of, step_of
from tests.engine.test_reliability import python

CUTS = {"even": EVEN, "uneven": UNEVEN}
every = pytest.mark.parametrize("name", LOSSES)


def assert_equal(found, wanted):
    assert found.keys() == wanted.keys()
    assert float(found["loss"]) == pytest.approx(float(wanted["loss"]), rel=1e-6)
    whole = lambda tree: torch.cat([tree[name].double().flatten() for name in sorted(tree) if name != "loss"])
    assert (whole(found) - whole(wanted)).norm() < 1e-6 * whole(wanted).norm()


@every
@pytest.mark.parametrize("cuts", CUTS)
def test_accumulated_batches_are_one_big_batch(name, cuts):
    assert_equal(gradient_of(name, CUTS[cuts]), gradient_of(name, [0, 12]))


@pytest.fixture(scope="module", params=[2, pytest.param(3, marks=pytest.mark.long)])
def processes(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gradients")
    run = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={request.param}")
    code, _, errors = python(*run, "-m", "tests.contracts.losses", folder)
    assert code == 0, errors
    return folder


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "n-grams, sparse"])
def test_processes_are_one_big_batch(processes, name):
    for kind, rows in {"even": 12, "uneven": 12, "one": 13}.items():
        assert_equal(load_file(processes / f"{name}-{kind}.safetensors"), gradient_of(name, [0, rows]))


@pytest.mark.parametrize("length", [95, 73])
def test_stretches_of_unequal_length_weigh_by_their_tokens(length):
    """Lanes of 95 tokens in stretches of 35: the last step was 16 % off, of 73 tokens 167 %."""
    V, rows = 13, 3
    tokens = torch.randint(0, V, (rows * length + 1,), generator=torch.Generator().manual_seed(0)).numpy()
    seed_everything(0)
    model = LSTM(V, width=8, hidden=8, depth=1, dropout=0.0, tied=True)
    found, row = step_of(Objective(model), contiguous_batches(tokens, rows, 35), carried_loss)

    total, state = 0.0, None
    for stretch in contiguous_batches(tokens, rows, 35):
        hidden, state = model.hidden(stretch.ids, state)
        total = total + F.cross_entropy(model.head(hidden).flatten(0, 1), stretch.targets.flatten(), reduction="sum")
        state = state.detach()
    model.zero_grad()
    loss = total / (rows * length)
    loss.backward()
    wanted = {f"model.{key}": p.grad for key, p in model.named_parameters()} | {"loss": loss.detach()}
    assert_equal(found | {"loss": torch.tensor(row["loss"])}, wanted)
