"""Lanes and windows: every token once, targets one further, resumed anywhere, shared by processes."""

import numpy as np
import pytest
import torch

from lingon.core.errors import UserError
from lingon.data.batches import contiguous_batches, shuffled_windows

TOKENS = np.arange(211) * 3


def test_lanes_by_hand():
    first, second, third = contiguous_batches(np.arange(17), batch_size=2, context_length=3)
    assert first.ids.tolist() == [[0, 1, 2], [8, 9, 10]]
    assert first.targets.tolist() == [[1, 2, 3], [9, 10, 11]]
    assert (first.continues, second.continues) == (False, True)
    assert third.ids.tolist() == [[6, 7], [14, 15]]


def test_windows_come_once_each_epoch_in_another_order():
    windows = shuffled_windows(TOKENS, batch_size=5, context_length=7, seed=3)
    epochs = [[row for batch in windows for row in batch.ids[:, 0].tolist()] for _ in range(2)]
    assert len(set(epochs[0])) == len(epochs[0]) == len(windows) * 5
    assert epochs[0] != epochs[1]
    for batch in windows:
        assert torch.equal(batch.targets[:, :-1], batch.ids[:, 1:])
        assert torch.equal(batch.targets - batch.ids, torch.full_like(batch.ids, 3))


@pytest.mark.parametrize("kind", [contiguous_batches, shuffled_windows])
@pytest.mark.parametrize("after", [0, 1, 4])
def test_resumed_at_any_batch(kind, after):
    whole, half, rest = (kind(TOKENS, 5, 7) for _ in range(3))
    expected = [b.ids for b in [*whole, *whole]]
    found = []
    for batch in half:
        found.append(batch.ids)
        if len(found) == after:
            break
    if after:
        rest.load_state_dict(half.state_dict())
    else:
        found = []
    found += [b.ids for b in [*rest, *rest]]
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=False))
    assert len(found) >= len(expected)


@pytest.mark.parametrize("kind", [contiguous_batches, shuffled_windows])
def test_processes_share_the_rows(kind):
    whole = [b.ids for b in kind(TOKENS, 6, 7)]
    parts = [[b.ids for b in kind(TOKENS, 6, 7, rank=r, world=2)] for r in (0, 1)]
    for all_rows, even, odd in zip(whole, *parts, strict=True):
        assert torch.equal(torch.stack([even, odd], 1).flatten(0, 1), all_rows)


@pytest.mark.parametrize("kind", [contiguous_batches, shuffled_windows])
def test_what_does_not_fit_is_refused(kind):
    with pytest.raises(UserError, match="too few for 500 rows"):
        kind(TOKENS, 500, 7)
    with pytest.raises(UserError, match="cannot be shared by 2"):
        kind(TOKENS, 5, 7, world=2)
    with pytest.raises(UserError, match="the tokens of these batches differ"):
        kind(TOKENS, 5, 7).load_state_dict(kind(TOKENS + 1, 5, 7).state_dict())
    with pytest.raises(UserError, match="not a state of batches"):
        kind(TOKENS, 5, 7).load_state_dict({"epoch": "0"})
