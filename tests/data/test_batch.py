"""Batches: ids, mask, labels and places, against padding done by hand."""

import pytest
import torch

from lingon.core.errors import UserError
from lingon.data.batch import collate


def test_padding_by_hand():
    batch = collate([[5, 6, 7], [], [8]], labels=[1, 0, 2], index=[11, 3, 7])
    assert batch.ids.tolist() == [[5, 6, 7], [0, 0, 0], [8, 0, 0]]
    assert batch.real.tolist() == [[True, True, True], [False, False, False], [True, False, False]]
    assert batch.labels.tolist() == [1, 0, 2]
    assert batch.index.tolist() == [11, 3, 7]
    assert (batch.ids.dtype, batch.real.dtype, batch.labels.dtype) == (torch.int64, torch.bool, torch.int64)


def test_an_empty_text_has_one_position_that_is_not_real():
    batch = collate([[]])
    assert batch.ids.tolist() == [[0]]
    assert batch.real.tolist() == [[False]]
    assert batch.labels is None
    assert batch.index.tolist() == [0]


def test_another_padding_id():
    assert collate([[2, 3], [4]], pad=9).ids.tolist() == [[2, 3], [4, 9]]


def test_moves_to_a_device():
    moved = collate([[1, 2]]).to("meta")
    assert moved.ids.device.type == moved.real.device.type == "meta"
    assert moved.labels is None


def test_no_rows():
    with pytest.raises(UserError, match="at least one row"):
        collate([])
