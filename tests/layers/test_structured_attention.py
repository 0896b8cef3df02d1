"""Attention weights are shares of the real tokens; their overlap is arithmetic done by hand."""

import torch

from lingon.layers.structured_attention import StructuredAttention, attention_overlap


def test_each_hop_shares_out_one_over_the_real_tokens():
    torch.manual_seed(0)
    mask = torch.arange(5) < torch.tensor([5, 2, 0])[:, None]
    weights = StructuredAttention(7, 11, 3)(torch.randn(3, 5, 7) * 50, mask)
    torch.testing.assert_close(weights.sum(-1), torch.tensor([1.0, 1.0, 0.0])[:, None].expand(3, 3))
    assert not weights[1, :, 2:].any()


def test_overlap_by_hand():
    apart = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])  # A A^T = I
    alike = torch.tensor([[[1.0, 0, 0], [1, 0, 0]]])  # A A^T is all ones: two of four numbers are 1 off
    even = torch.tensor([[[0.5, 0.5], [0.5, 0.5]]])  # A A^T is all halves: four numbers are .5 off
    assert attention_overlap(apart) == 0
    assert attention_overlap(alike) == 2
    assert attention_overlap(even) == 4 * 0.5**2
    assert attention_overlap(torch.cat([apart, alike])) == 1  # the mean over the texts
