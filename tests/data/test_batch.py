"""Batches: ids, mask, labels and places, against padding done by hand."""

import copy

import pytest
import torch

from lingon.core.errors import UserError
from lingon.data.batches import Batch, collate


def test_padding_by_hand():
    batch = collate([[5, 6, 7], [], [8]], labels=[1, 0, 2], index=[11, 3, 7])
    assert batch.ids.tolist() == [[5, 6, 7], [0, 0, 0], [8, 0, 0]]
    assert batch.mask.tolist() == [[True, True, True], [False, False, False], [True, False, False]]
    assert batch.labels.tolist() == [1, 0, 2]
    assert batch.index.tolist() == [11, 3, 7]
    assert (batch.ids.dtype, batch.mask.dtype, batch.labels.dtype) == (torch.int64, torch.bool, torch.int64)


def test_an_empty_text_has_one_position_that_is_masked():
    batch = collate([[]])
    assert batch.ids.tolist() == [[0]]
    assert batch.mask.tolist() == [[False]]
    assert list(batch) == ["ids", "mask"]
    assert batch.index.tolist() == [0]


def test_another_padding_id():
    assert collate([[2, 3], [4]], pad=9).ids.tolist() == [[2, 3], [4, 9]]


def test_moves_to_a_device():
    moved = collate([[1, 2]]).to("meta")
    assert moved.ids.device.type == moved.mask.device.type == "meta"
    assert moved.index.device.type == "cpu"


def test_no_rows():
    with pytest.raises(UserError, match="at least one row"):
        collate([])


def test_a_batch_is_a_mapping_of_tensors_with_as_many_rows():
    batch = Batch({"inputs": torch.ones(5, 3), "targets": torch.arange(5)}, continues=True)
    assert (len(batch), list(batch), len(batch.keys()), "targets" in batch) == (5, ["inputs", "targets"], 2, True)
    assert batch["targets"] is batch.targets is dict(batch)["targets"]
    assert batch.index.tolist() == [0, 1, 2, 3, 4]
    assert (batch.to("meta").continues, batch.to("meta").inputs.device.type) == (True, "meta")
    again = copy.deepcopy(batch)
    assert torch.equal(again.targets, batch.targets)
    assert again.targets is not batch.targets
    with pytest.raises(AttributeError, match="the batch has no 'labels'; it has inputs, targets"):
        _ = batch.labels
    with pytest.raises(KeyError):
        batch["labels"]


@pytest.mark.parametrize(
    ("tensors", "index"),
    [({"a": torch.ones(2), "b": torch.ones(3)}, None), ({"a": torch.ones(2)}, torch.arange(3)), ({}, None)],
)
def test_unequal_rows_are_refused(tensors, index):
    with pytest.raises(UserError, match="the tensors of a batch must have the same number of rows"):
        Batch(tensors, index)
