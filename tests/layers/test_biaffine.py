"""The biaffine layer: equal to the formula written out, of all pairs and of one each."""

import pytest
import torch

from lingon.layers.biaffine import Biaffine


@pytest.mark.parametrize("bias", [(True, True), (False, True), (True, False), (False, False)])
@pytest.mark.parametrize("sizes", [(3, 5), (130, 140)])  # of the second, products are oneDNN's
def test_it_is_the_formula(bias, sizes):
    torch.manual_seed(0)
    left, right = sizes
    layer = Biaffine(left, right, 7, bias).double()
    assert not layer.weight.any()
    torch.nn.init.normal_(layer.weight)
    x, y = torch.randn(2, 11, left, dtype=torch.double), torch.randn(2, 13, right, dtype=torch.double)
    u = layer.weight[:, :left, :right]
    expected = torch.einsum("bil,olr,bjr->boij", x, u, y)
    if bias[0]:
        expected += torch.einsum("bjr,or->boj", y, layer.weight[:, left, :right])[:, :, None]
    if bias[1]:
        expected += torch.einsum("bil,ol->boi", x, layer.weight[:, :left, right])[..., None]
    if all(bias):
        expected += layer.weight[:, left, right][None, :, None, None]
    torch.testing.assert_close(layer(x, y), expected)
    pairs = layer.pairs(x, y[:, :11])
    torch.testing.assert_close(pairs, expected[..., :11].diagonal(dim1=-2, dim2=-1).transpose(1, 2))


def test_gradients_are_those_of_finite_differences():
    torch.manual_seed(0)
    layer = Biaffine(3, 2, 5).double()
    torch.nn.init.normal_(layer.weight)
    x, y = torch.randn(2, 4, 3, dtype=torch.double), torch.randn(2, 4, 2, dtype=torch.double)
    x.requires_grad_(), y.requires_grad_()
    assert torch.autograd.gradcheck(layer, (x, y))
    assert torch.autograd.gradcheck(layer.pairs, (x, y))
