"""Loops over sparse features: the numbers of torch operations, and of a sum by hand."""

import numpy as np
import pytest
import torch

from lingon.kernels.feature_keys import LOW, TEXT_BITS
from lingon.kernels.sparse_features import by_text, count_rows, linear_scores, tfidf_values

ROWS, TEXTS, CLASSES = 40, 7, 3


@pytest.fixture
def features():
    """Keys of seven texts, of which the fourth has no feature, and counts; row 0 has no idf."""
    random = torch.Generator().manual_seed(0)
    rows = torch.randint(ROWS, (90,), generator=random)
    texts = torch.tensor([0, 1, 2, 4, 5, 6])[torch.randint(6, (90,), generator=random)]
    keys = torch.unique(rows << TEXT_BITS | texts)
    counts, idf = torch.randint(1, 5, (len(keys),), generator=random), torch.rand(ROWS, generator=random)
    idf[0] = 0
    return keys, counts, idf


def test_values_are_those_of_torch_operations(features):
    keys, counts, idf = features
    found, plain = tfidf_values(keys, counts, idf, TEXTS), tfidf_values(keys, counts, idf.double(), TEXTS)
    assert (found.dtype, plain.dtype) == (torch.float32, torch.float64)
    torch.testing.assert_close(found, plain.float(), rtol=1e-6, atol=0)
    squares = torch.zeros(TEXTS).index_add_(0, keys & LOW, found.square())
    torch.testing.assert_close(squares[[0, 1, 2, 4, 5, 6]], torch.ones(6))
    assert tfidf_values(keys, counts, torch.zeros(ROWS), TEXTS).eq(0).all()


def test_the_features_of_a_text_stand_together(features):
    keys, _, _ = features
    values = torch.rand(len(keys))
    for found, plain in zip(by_text(keys, values, TEXTS), by_text(keys, values.double(), TEXTS), strict=True):
        torch.testing.assert_close(found.double(), plain.double(), rtol=0, atol=0)
    _, _, starts = by_text(keys, values, TEXTS)
    assert starts.diff().tolist() == torch.bincount(keys & LOW, minlength=TEXTS).tolist()
    assert starts[3] == starts[4]


def test_rows_are_counted_and_examples_scored(features):
    keys, counts, idf = features
    found = torch.ones(ROWS)
    count_rows(keys, found)
    assert torch.equal(found, 1 + torch.bincount(keys >> TEXT_BITS, minlength=ROWS).float())
    rows, values, starts = by_text(keys, tfidf_values(keys, counts, idf, TEXTS), TEXTS)
    table, bias, out = torch.randn(ROWS, CLASSES), torch.randn(CLASSES), np.empty((TEXTS, CLASSES), np.float32)
    linear_scores(
        rows.numpy(), values.numpy(), starts[:-1].numpy(), starts[1:].numpy(), table.numpy(), bias.numpy(), out
    )
    dense = torch.zeros(TEXTS, ROWS)
    dense[torch.repeat_interleave(torch.arange(TEXTS), starts.diff()), rows] = values
    torch.testing.assert_close(torch.from_numpy(out), dense @ table + bias)
