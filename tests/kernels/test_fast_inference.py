"""Layouts for many inputs at once: float32 the same, bfloat16 and 8 bits as rounded by hand; made anew when it must."""

import pytest
import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.kernels import bfloat16_linear
from lingon.kernels.bfloat16_linear import BFloat16Linear, has_bfloat16
from lingon.kernels.fast_inference import LAYOUTS, FastInference
from lingon.kernels.int8_dynamic import DynamicInt8Linear, round_to_uint8


def layer(bias=True):
    torch.manual_seed(0)
    return nn.Linear(61, 67, bias=bias)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("onednn", [True, False])
def test_bfloat16_is_the_product_of_rounded_factors(bias, onednn, monkeypatch):
    monkeypatch.setattr(bfloat16_linear, "ONEDNN", onednn and bfloat16_linear.ONEDNN)
    plain, x = layer(bias), torch.randn(5, 3, 61)
    exact = x.bfloat16().double() @ plain.weight.bfloat16().double().T
    if bias:
        exact = exact + plain.bias.bfloat16().double()
    with torch.inference_mode():
        found = BFloat16Linear(plain)(x)
    assert (found.dtype, found.shape) == (torch.bfloat16, (5, 3, 67))
    assert ((found - exact).abs() <= exact.abs() * 2**-8 + 1e-3).all()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("packed", [True, False])
def test_eight_bits_are_whole_numbers_times_a_step(bias, packed):
    plain, x = layer(bias), torch.randn(5, 3, 61) + 0.3
    low, high = min(0.0, float(x.min())), max(0.0, float(x.max()))
    step = (high - low) / 255
    inputs = torch.tensor([round(v / step) * step for v in x.flatten().tolist()]).view_as(x)
    rows = [
        [round(v / (max(map(abs, row)) / 127)) * max(map(abs, row)) / 127 for v in row] for row in plain.weight.tolist()
    ]
    exact = inputs @ torch.tensor(rows).T + (plain.bias if bias else 0)
    made = DynamicInt8Linear(plain)
    if not packed:
        made.packed = None
    with torch.inference_mode():
        found = made(x)
    assert (found - exact).abs().max() < 2 * step * plain.weight.abs().max()  # a number or two half-way between steps
    assert (found - plain(x)).abs().max() < 0.1


def test_rounded_numbers_keep_zero_and_the_ends():
    x = torch.tensor([-1.0, 0.0, 0.003, 3.0])
    found = round_to_uint8(x)
    assert found[1] == 0
    assert (found - x).abs().max() <= 4 / 255 / 2 + 1e-6
    assert not round_to_uint8(torch.zeros(3)).any()


def model():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 3))


@pytest.mark.parametrize("precision", LAYOUTS)
def test_a_twin_is_made_again_only_when_weights_changed(precision):
    net = model().train()
    fast, x = FastInference(net), torch.randn(7, 512)
    with torch.inference_mode():
        before = fast.twin(precision)(x)
        wanted = net.eval()(x)
        net.train()
    assert (before.float() - wanted).abs().max() < {"float32": 1e-5, "bfloat16": 0.02, "int8": 0.05}[precision]
    assert fast.twin(precision) is fast.twin(precision)
    assert net.training
    assert type(net[0]) is nn.Linear
    with torch.no_grad():
        net[3].bias += 1
    with torch.inference_mode():
        assert fast.twin(precision)(x).float() == pytest.approx(before.float() + 1, abs=0.02)


def test_another_precision_is_refused():
    with pytest.raises(UserError, match="unknown precision 'int4'"):
        FastInference(model()).twin("int4")


def test_a_processor_says_whether_it_has_bfloat16():
    assert has_bfloat16() in (True, False)
