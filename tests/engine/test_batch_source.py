"""What `fit` trains on besides a loader: DataLoaders and lists of batches of any kind; resumed by epoch."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from lingon.core.errors import Interrupted, UserError
from lingon.data.batches import Batch, Loader, SequentialOrder
from lingon.engine.batch_tree import count_rows, count_tokens, to_device
from lingon.engine.fit import BY_EPOCH, TrainConfig, fit
from lingon.engine.optimizers import sgd
from lingon.engine.run import Run
from lingon.engine.save_interval import SaveInterval
from tests.engine.tiny import digest, record

DRAW = np.random.default_rng(0)
POINTS, KINDS = torch.from_numpy(DRAW.normal(size=(23, 5))).float(), torch.from_numpy(DRAW.integers(0, 3, 23))
SPANS = [slice(a, a + 7) for a in range(0, 23, 7)]


class Pair(NamedTuple):
    inputs: Tensor
    targets: Tensor


def linear():
    torch.manual_seed(0)
    return nn.Linear(5, 3)


def trained(batches, read, run=None, **config):
    """The weights and the record of a training; `read` finds inputs and targets in a batch."""
    model = linear()
    torch.manual_seed(1)
    loss = lambda model, batch: F.cross_entropy(model(read(batch)[0]), read(batch)[1])
    history = fit(
        model, batches, loss, sgd(model, 0.1), config=TrainConfig(**{"epochs": 3, "log_every": 1, **config}), run=run
    )
    return digest(model), record(history.rows)


KINDS_OF_BATCH = {
    "tuples": (lambda x, y: (x, y), lambda b: b),
    "lists": (lambda x, y: [x, y], lambda b: b),
    "named tuples": (Pair, lambda b: b),
    "dicts": (lambda x, y: {"x": x, "y": y}, lambda b: (b["x"], b["y"])),
    "nested, with a name and no rows first": (
        lambda x, y: {"name": "a", "scale": torch.tensor(2.0), "in": {"x": x}, "out": (y, None, 3)},
        lambda b: (b["in"]["x"], b["out"][0]),
    ),
    "Batch": (lambda x, y: Batch({"x": x, "y": y}), lambda b: (b.x, b.y)),
    "one tensor": (lambda x, y: torch.cat([x, y[:, None]], 1), lambda b: (b[:, :5], b[:, 5].long())),
}


@pytest.mark.parametrize("kind", KINDS_OF_BATCH)
def test_batches_of_any_kind_train_like_a_loader(kind):
    make, read = KINDS_OF_BATCH[kind]
    loader = Loader({"x": POINTS, "y": KINDS}, SequentialOrder(23, 7))
    wanted = trained(loader, lambda b: (b.x, b.y))
    assert trained([make(POINTS[part], KINDS[part]) for part in SPANS], read) == wanted


def test_a_data_loader_trains_like_a_loader():
    loader = Loader({"x": POINTS, "y": KINDS}, SequentialOrder(23, 7))
    data = DataLoader(TensorDataset(POINTS, KINDS), batch_size=7)
    assert trained(data, lambda b: b) == trained(loader, lambda b: (b.x, b.y))


@pytest.mark.parametrize("kind", [kind for kind in KINDS_OF_BATCH if kind != "one tensor"])
def test_every_kind_is_moved_and_counted(kind):
    batch = KINDS_OF_BATCH[kind][0](POINTS, KINDS)
    moved = KINDS_OF_BATCH[kind][1](to_device(batch, torch.device("meta")))
    assert [part.device.type for part in moved] == ["meta", "meta"]
    assert [part.shape for part in moved] == [POINTS.shape, KINDS.shape]
    assert type(to_device(batch, torch.device("meta"))) is type(batch)
    assert count_rows(batch) == 23


def test_a_batch_of_ones_own_kind_is_moved_by_its_own_method():
    moves = []

    class Own(dict):
        def to(self, device):
            moves.append(device)
            return self

    found = trained([Own(x=POINTS, y=KINDS)], lambda b: (b["x"], b["y"]))
    assert found == trained([(POINTS, KINDS)], lambda b: b)
    assert moves == [torch.device("cpu")] * 3


def test_tokens_are_those_of_the_mask_or_all_ids():
    ids, mask = torch.ones(3, 5, dtype=torch.int64), torch.ones(3, 5, dtype=torch.bool)
    mask[0, 2:] = False
    assert count_tokens({"input_ids": ids, "attention_mask": mask.long()}) == count_tokens(Batch({"mask": mask})) == 12
    assert count_tokens(Batch({"ids": ids, "targets": ids})) == 15
    assert count_tokens((ids, mask)) == 0
    assert count_tokens(Batch({"source_mask": mask, "target_mask": mask[:, :2]})) == 12 + int(mask[:, :2].sum())


class Stream(IterableDataset):
    def __iter__(self):
        yield from POINTS


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([], "there are no batches to train on"),
        ((part for part in SPANS), "a generator can be iterated only once, but every epoch needs all batches"),
        (
            TensorDataset(POINTS),
            "takes batches, not a TensorDataset of examples; wrap it in a torch.utils",
        ),
        (
            POINTS,
            "fit takes a lingon.data.batches.Loader, a torch.utils.data.DataLoader or a list of bat",
        ),
        ({"x": POINTS}, "or a list of batches, not dict"),
        ("texts", "or a list of batches, not str"),
        (None, "or a list of batches, not NoneType"),
        (DataLoader(Stream()), "a DataLoader without a length: fit must know how many batches an epoch has"),
        ([{"x": object()}], "the rows of a batch cannot be counted: it holds no tensor"),
        ([1, 2], "the rows of a batch cannot be counted: it holds no tensor .*, but 1"),
        ([(POINTS, object())], "a batch holds object, which cannot be moved to cpu; make it a tensor"),
    ],
)
def test_anything_else_is_refused_in_one_line(batches, message):
    with pytest.raises(UserError, match=message) as error:
        trained(batches, lambda b: b)
    assert "\n" not in str(error.value)


def shuffled(own):
    generator = torch.Generator().manual_seed(3) if own else None
    return DataLoader(TensorDataset(POINTS, KINDS), batch_size=7, shuffle=True, generator=generator)


@pytest.mark.parametrize("own", [False, True], ids=["the order of torch's generator", "of its own generator"])
@pytest.mark.parametrize("stop", [4, 6, 8, 11])
def test_resumes_by_epoch_as_if_it_had_never_stopped(tmp_path, own, stop):
    """Epochs have 4 steps. Stopped at step 6, a run resumes from step 4, as one that was killed does."""
    whole = trained(shuffled(own), lambda b: b)

    def read(batch):
        calls.append(1)
        if len(calls) > 2 * stop:
            raise KeyboardInterrupt
        return batch

    for resume in (False, True):
        calls = []
        reader = (lambda b: b) if resume else read
        with Run.open(tmp_path / "run", {}, resume=resume, save_interval=SaveInterval(steps=1)) as run:
            if resume:
                stopped = trained(shuffled(own), reader, run)
            else:
                with pytest.raises(KeyboardInterrupt):
                    trained(shuffled(own), reader, run)
                assert [int(path.name) for path in run.checkpoints.glob("0*")] == [*range(4, stop + 1, 4)]
    assert stopped == whole


@pytest.mark.parametrize(
    ("stop", "kept"),
    [
        (2, "inside an epoch, where these batches cannot be resumed; nothing was saved"),
        (4, "saved in .*; resume to continue"),
        (6, "inside an epoch, where these batches cannot be resumed; resume continues from step 4, saved in .*"),
    ],
)
def test_it_is_said_that_a_run_resumes_by_epoch(tmp_path, capsys, monkeypatch, stop, kept):
    monkeypatch.delenv("LINGON_QUIET")
    calls = []

    def read(batch):
        calls.append(1)
        if len(calls) == 2 * stop:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGINT)
        return batch

    message = f"stopped after step {stop}, {kept}"
    with Run.open(tmp_path / "run", {}) as run, pytest.raises(Interrupted, match=message):
        trained(shuffled(False), read, run)
    assert capsys.readouterr().err.splitlines().count(BY_EPOCH) == 1


def test_the_end_inside_an_epoch_is_saved_and_a_longer_run_begins_that_epoch_anew(tmp_path):
    for resume, steps in ((False, 6), (True, 11)):
        with Run.open(tmp_path / "run", {}, resume=resume) as run:
            _, rows = trained(shuffled(False), lambda b: b, run, epochs=None, steps=steps)
    assert [row["epoch"] for row in rows] == [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.25, 1.5, 1.75, 2, 2.25]


def test_samplers_of_several_processes_are_told_the_epoch():
    told = []

    class Sampler(list):
        def set_epoch(self, epoch):
            told.append(epoch)

    data = DataLoader(TensorDataset(POINTS, KINDS), batch_size=7, sampler=Sampler(range(23)))
    trained(data, lambda b: b)
    assert told == [1, 2]  # epoch 0 is where a sampler begins
