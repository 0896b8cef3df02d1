"""The order of pairs: every row once an epoch, each with another of its label."""

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.data.batches import Loader
from lingon.data.batches.label_pairs import LabelPairs

LABELS = np.array([0, 1, 1, 2, 1, 0, 2, 0, 3, 1, 1])


@pytest.mark.parametrize("size", [2, 6, 100])
def test_every_row_once_with_another_of_its_label(size):
    order = LabelPairs(LABELS, size, seed=3)
    for epoch in range(3):
        rows_of, seen = order.batch_rows(epoch), []
        for number in range(len(order)):
            rows = rows_of(number)
            first, second = np.split(rows, 2)
            assert (LABELS[first] == LABELS[second]).all()
            assert all(a != b for a, b in zip(first, second, strict=True) if LABELS[a] != 3)
            seen += first.tolist()
        assert sorted(seen) == list(range(11))
    assert not np.array_equal(order.batch_rows(0)(0), order.batch_rows(1)(0))
    assert np.array_equal(order.batch_rows(1)(0), LabelPairs(LABELS, size, seed=3).batch_rows(1)(0))


def test_a_loader_resumes_in_it():
    whole = [b["labels"].tolist() for b in Loader({"labels": LABELS}, LabelPairs(LABELS, 4))]
    loader = Loader({"labels": LABELS}, LabelPairs(LABELS, 4))
    first = next(iter(loader))["labels"].tolist()
    again = Loader({"labels": LABELS}, LabelPairs(LABELS, 4))
    again.load_state_dict(loader.state_dict())
    assert [first, *(b["labels"].tolist() for b in again)] == whole


def test_a_batch_of_one_is_refused():
    with pytest.raises(UserError, match="batch_size is 1; a batch of pairs needs 2 rows or more"):
        LabelPairs(LABELS, 1)
