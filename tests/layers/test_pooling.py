"""Mean and maximum over the real tokens, by arithmetic done by hand."""

import torch

from lingon.layers.pooling import max_over_time, mean_over_time

X = torch.tensor([[[1.0, -2.0], [3.0, -4.0], [99.0, 99.0]], [[5.0, 6.0], [99.0, 99.0], [99.0, 99.0]]])
REAL = torch.tensor([[True, True, False], [True, False, False]])


def test_mean():
    assert mean_over_time(X, REAL).tolist() == [[2, -3], [5, 6]]


def test_max_of_negative_numbers_is_negative():
    assert max_over_time(X, REAL).tolist() == [[3, -2], [5, 6]]


def test_a_text_without_tokens_is_zero():
    nothing = torch.zeros(2, 3, dtype=torch.bool)
    assert not mean_over_time(X, nothing).any()
    assert not max_over_time(X, nothing).any()


def test_a_mask_with_holes():
    """As word dropout makes it."""
    holes = torch.tensor([[True, False, True], [False, True, False]])
    assert mean_over_time(X, holes).tolist() == [[50, 48.5], [99, 99]]
