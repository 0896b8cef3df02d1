"""The largest numbers of rows are those of torch.topk, however long the rows are and wherever they stand."""

import pytest
import torch

from lingon.decoding.largest import BLOCK, WORTH, largest


@pytest.mark.parametrize("columns", [5, WORTH, WORTH + 1, WORTH + BLOCK - 1, 3 * WORTH + 7])
@pytest.mark.parametrize("count", [1, 5])
def test_values_and_columns_are_those_of_topk(columns, count):
    torch.manual_seed(0)
    x = torch.randn(3, columns, dtype=torch.float64)
    x[1, -count:] += 9  # in the last, unfinished block
    x[2, :count] += 9  # all in one block
    expected = x.topk(count)
    values, places = largest(x, count)
    assert torch.equal(values, expected.values)
    assert torch.equal(places, expected.indices)


def test_forbidden_tokens_come_last():
    x = torch.full((1, WORTH), -torch.inf)
    x[0, 4321] = 1.0
    values, places = largest(x, 3)
    assert values.tolist() == [[1.0, -torch.inf, -torch.inf]]
    assert places[0, 0] == 4321
    assert len(set(places[0].tolist())) == 3
