"""Two processes are one: the same losses, and the same weights in both."""

import pytest
from torch import nn

from lingon.engine.distributed import all_sum, broadcast, unwrap
from lingon.engine.log import read_metrics
from lingon.engine.world import World, world
from tests.engine.ranks import main
from tests.engine.test_reliability import python

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")


def two(folder, steps, how, *more):
    code, _, errors = python(*TORCHRUN, "-m", "tests.engine.ranks", folder, steps, how, 2, *more)
    assert code == 0, errors


def equal(folder, other):
    """Whether two records hold the same numbers, but for speed."""
    ours, theirs = read_metrics(folder), read_metrics(other)
    assert len(ours) == len(theirs) == 23 + 3
    for mine, their in zip(ours, theirs, strict=True):
        assert mine.keys() == their.keys()
        for name in mine.keys() & {"step", "epoch", "loss", "lr", "valid_error", "grad_norm"}:
            assert mine[name] == pytest.approx(their[name], abs=1e-5)


def test_two_processes_have_the_losses_of_one(tmp_path):
    main(tmp_path / "one", 23, False, 2)
    two(tmp_path / "two", 23, "new")
    equal(tmp_path / "two", tmp_path / "one")
    assert (tmp_path / "two" / "weights-0").read_text() == (tmp_path / "two" / "weights-1").read_text()
    assert not (tmp_path / "one" / "weights-1").exists()


@pytest.mark.long
def test_two_processes_resume(tmp_path):
    main(tmp_path / "one", 23, False, 2)
    two(tmp_path / "two", 11, "new")
    two(tmp_path / "two", 23, "resume")
    equal(tmp_path / "two", tmp_path / "one")


def test_spread_weights_have_the_losses_of_whole_ones(tmp_path):
    main(tmp_path / "one", 23, False, 2, sharded=True)
    two(tmp_path / "two", 23, "new", "shard")
    equal(tmp_path / "two", tmp_path / "one")


@pytest.mark.long
def test_spread_weights_go_on_whole(tmp_path):
    main(tmp_path / "one", 23, False, 2, sharded=True)
    two(tmp_path / "two", 11, "new", "shard")
    two(tmp_path / "two", 22, "resume", "shard")
    main(tmp_path / "two", 23, True, 2, sharded=True)  # and on in one process
    equal(tmp_path / "two", tmp_path / "one")


@pytest.mark.long
def test_whole_weights_go_on_spread(tmp_path):
    main(tmp_path / "one", 23, False, 2, sharded=True)
    main(tmp_path / "two", 11, False, 2, sharded=True)
    two(tmp_path / "two", 23, "resume", "shard")
    equal(tmp_path / "two", tmp_path / "one")


def test_alone_nothing_is_distributed():
    assert world() == World(0, 1)
    assert all_sum(3, 5) == [3, 5]
    assert broadcast({"accuracy": 0.5}) == {"accuracy": 0.5}


def test_a_model_without_wrapping_is_itself():
    model = nn.Linear(3, 5)
    assert unwrap(model) is model
