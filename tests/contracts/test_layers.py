"""What every layer over padded texts keeps to. A new layer joins with one row."""

import jaxtyping
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load, save

from lingon.layers.conv import ConvMax
from lingon.layers.pooling import max_over_time, mean_over_time
from lingon.layers.recurrent import BidirectionalLayers
from lingon.layers.structured_attention import StructuredAttention

LENGTHS, LONGEST, WIDTH = [7, 1, 11, 0, 2], 11, 5


def function(call):
    """A function as a layer, so that it stands in the same table."""
    module = torch.nn.Module()
    module.forward = call
    return module


# name: (how it is made, the shape of what it gives for 5 texts)
LAYERS = {
    "mean over time": (lambda: function(mean_over_time), (5, WIDTH)),
    "max over time": (lambda: function(max_over_time), (5, WIDTH)),
    "conv of 1": (lambda: ConvMax(WIDTH, 13, 1), (5, 13)),
    "conv of 3": (lambda: ConvMax(WIDTH, 13, 3), (5, 13)),
    "conv longer than all texts": (lambda: ConvMax(WIDTH, 13, 17), (5, 13)),
    "BidirectionalLayers": (lambda: BidirectionalLayers(WIDTH, 7, depth=1), (5, LONGEST, 14)),
    "BidirectionalLayers of GRUs": (lambda: BidirectionalLayers(WIDTH, 7, 2, 0.0, torch.nn.GRU), (5, LONGEST, 14)),
    "BidirectionalLayers, deep": (lambda: BidirectionalLayers(WIDTH, 7, depth=3), (5, LONGEST, 14)),
    "structured attention": (lambda: StructuredAttention(WIDTH, 7, 3), (5, 3, LONGEST)),
}
every = pytest.mark.parametrize("name", LAYERS)
TIME = {
    "BidirectionalLayers": 1,
    "BidirectionalLayers of GRUs": 1,
    "BidirectionalLayers, deep": 1,
    "structured attention": 2,
}  # the axis of time, where the output has one


def made(name):
    torch.manual_seed(0)
    layer = LAYERS[name][0]()
    for p in layer.parameters():
        torch.nn.init.normal_(p.data, std=0.5)
    return layer


def texts():
    torch.manual_seed(1)
    mask = torch.arange(LONGEST) < torch.tensor(LENGTHS)[:, None]
    return torch.randn(len(LENGTHS), LONGEST, WIDTH) * mask[..., None], mask


def outputs(layer, x, mask):
    out = layer(x, mask)
    return list(out) if isinstance(out, tuple) else [out]


@every
def test_shape(name):
    assert outputs(made(name), *texts())[0].shape == LAYERS[name][1]


@every
def test_finite_gradients(name):
    layer, (x, mask) = made(name), texts()
    x.requires_grad_()
    sum((out * torch.randn_like(out)).sum() for out in outputs(layer, x, mask)).backward()
    assert x.grad.isfinite().all()
    assert not x.grad[3].any()  # the empty text
    assert x.grad[[0, 2, 4]].abs().sum((1, 2)).all()  # attention over the one token of text 1 is always 1
    for key, p in layer.named_parameters():
        assert p.grad.isfinite().all(), key
        assert p.grad.any(), key


@every
def test_padding_does_not_leak(name):
    """More padding changes nothing, and what is longer than the text gives zero there."""
    layer, (x, mask) = made(name), texts()
    short = outputs(layer, x, mask)
    long = outputs(layer, F.pad(x, (0, 0, 0, 4)), F.pad(mask, (0, 4)))
    if name in TIME:
        assert not long[0].narrow(TIME[name], LONGEST, 4).any()
        long[0] = long[0].narrow(TIME[name], 0, LONGEST)
    torch.testing.assert_close(long, short, rtol=1e-5, atol=1e-6)


@every
def test_each_text_is_the_same_alone(name):
    layer, (x, mask) = made(name), texts()
    together = outputs(layer, x, mask)
    for i, length in enumerate(LENGTHS):
        n = max(1, length)
        alone = outputs(layer, x[i : i + 1, :n], mask[i : i + 1, :n])
        mine = [out[i : i + 1] for out in together]
        if name in TIME:
            mine[0] = mine[0].narrow(TIME[name], 0, n)
        torch.testing.assert_close(mine, alone, rtol=1e-5, atol=1e-6)


@every
def test_saved_equals_loaded(name):
    layer, again = made(name), LAYERS[name][0]()
    again.load_state_dict(load(save(dict(layer.state_dict()))))
    for ours, theirs in zip(outputs(layer, *texts()), outputs(again, *texts()), strict=True):
        assert torch.equal(ours, theirs)


@every
def test_with_and_without_gradients_the_same(name):
    layer = made(name)
    with torch.no_grad():
        plainly = outputs(layer, *texts())
    torch.testing.assert_close(outputs(layer, *texts()), plainly, rtol=1e-5, atol=1e-6)


@pytest.mark.long
@every
def test_compiled_equals_eager(name):
    # What checks the shapes in tests cannot be compiled itself.
    jaxtyping.config.update("jaxtyping_disable", True)
    torch._dynamo.reset()
    try:
        layer = made(name)
        compiled = torch.compile(lambda x, mask: outputs(layer, x, mask))
        torch.testing.assert_close(compiled(*texts()), outputs(layer, *texts()), rtol=1e-5, atol=1e-6)
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
