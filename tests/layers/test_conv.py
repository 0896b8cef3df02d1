"""Filters and their maximum over time, against torch's own convolution and maximum with all their gradients."""

import pytest
import torch

from lingon.layers.conv import ConvMax


def slow(layer, x, length):
    """One text, through `conv1d`, ReLU and maximum, as the paper has it."""
    x = x[: max(length, layer.kernel)]
    x = torch.nn.functional.pad(x, (0, 0, 0, layer.kernel - len(x))) if len(x) < layer.kernel else x
    return layer.conv(x.T[None])[0].relu().amax(1) if length else torch.zeros(layer.conv.out_channels)


@pytest.mark.parametrize("kernel", [1, 2, 3, 5, 13])
def test_values_and_gradients_are_those_of_convolving_everything(kernel):
    torch.manual_seed(kernel)
    layer, lengths = ConvMax(7, 11, kernel), torch.tensor([5, 3, 2, 1, 0])
    mask = torch.arange(5) < lengths[:, None]
    x = (torch.randn(5, 5, 7) * mask[..., None]).requires_grad_()
    weights, aim = [x, *layer.parameters()], torch.randn(5, 11)
    fast = layer(x, mask)
    full = torch.stack([slow(layer, row, int(n)) for row, n in zip(x, lengths, strict=True)])
    torch.testing.assert_close(fast, full, rtol=1e-5, atol=1e-6)
    ours = torch.autograd.grad((fast * aim).sum(), weights)
    theirs = torch.autograd.grad((full * aim).sum(), weights)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_scores_are_torchs_convolution():
    torch.manual_seed(0)
    layer, x = ConvMax(7, 11, 3), torch.randn(2, 13, 7)
    torch.testing.assert_close(layer.scores(x), layer.conv(x.transpose(1, 2)).transpose(1, 2), rtol=1e-5, atol=1e-6)
    assert layer.scores(x[:, :2]).shape == (2, 1, 11)


def test_the_gradient_is_right_by_finite_differences():
    torch.manual_seed(0)
    layer, mask = ConvMax(3, 2, 2).double(), torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    x = torch.randn(2, 5, 3, dtype=torch.float64) * mask[..., None]
    assert torch.autograd.gradcheck(lambda x: layer(x, mask), x.requires_grad_())
