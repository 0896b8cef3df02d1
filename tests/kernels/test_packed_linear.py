"""Layers laid out for decoding: the same numbers, or those of a matrix rounded by hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lingon.kernels.int8_linear import FEW, Int8Linear, quantize_rows
from lingon.kernels.packed_linear import PackedLinear, pack_linear, swap_linear
from lingon.models.registry import build
from tests.checkpoints.test_hub import IDS, fresh
from tests.models.family_configs import CONFIGS

ROWS = [(1,), (3,), (5, 1), (4,), (2, 11), (FEW,), (FEW + 1,)]


def linear(width, out, bias=True):
    torch.manual_seed(0)
    return nn.Linear(width, out, bias=bias)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("bias", [True, False])
def test_another_layout_gives_the_same_product(rows, bias):
    layer = linear(509, 521, bias)
    twin = pack_linear(layer)
    assert isinstance(twin, PackedLinear)
    x = torch.randn(*rows, 509)
    with torch.inference_mode():
        torch.testing.assert_close(twin(x), layer(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("bias", [True, False])
def test_eight_bits_give_the_product_of_the_rounded_matrix(rows, bias):
    layer = linear(37, 53, bias)
    x = torch.randn(*rows, 37)
    matrix = torch.empty_like(layer.weight)
    for o, row in enumerate(layer.weight.tolist()):
        step = max(map(abs, row)) / 127
        matrix[o] = torch.tensor([round(value / step) * step for value in row])
    assert (matrix - layer.weight).abs().max() <= layer.weight.abs().max() / 127 / 2 * 1.001
    with torch.inference_mode():
        torch.testing.assert_close(Int8Linear(layer)(x), F.linear(x, matrix, layer.bias), rtol=1e-4, atol=1e-5)


def test_a_row_of_zeros_stays_zero_and_the_ends_are_reached():
    numbers, scale = quantize_rows(torch.tensor([[0.0, 0.0, 0.0], [-3.0, 1.5, 3.0]]))
    assert numbers.tolist()[0] == [0, 0, 0]
    assert numbers.tolist()[1] == [-127, 64, 127]
    assert scale.isfinite().all()


@pytest.mark.parametrize("name", CONFIGS)
def test_every_family_decodes_the_same_when_packed(name):
    model = fresh(CONFIGS[name])
    before = model(IDS)
    twin = swap_linear(model, PackedLinear)
    with torch.inference_mode():
        torch.testing.assert_close(twin(IDS), before, rtol=1e-4, atol=2e-5)
        hidden, state = twin.hidden(IDS[:, :5], twin.new_state(3, 11))
        hidden, _ = twin.hidden(IDS[:, 5:6], state)
        torch.testing.assert_close(twin.head(hidden[:, 0]), before[:, 5], rtol=1e-4, atol=2e-5)
    assert torch.equal(model(IDS), before)  # and the model is still itself, to be trained on
    model(IDS).sum().backward()


def test_small_matrices_and_other_types_stay_as_they_are():
    small, half = linear(131, 137), linear(509, 521).to(torch.bfloat16)
    assert pack_linear(small) is small
    assert pack_linear(half) is half
    model = build("gpt", {"vocab_size": 11, "width": 8})
    assert swap_linear(model).output is model.output


def test_eight_bits_of_bfloat16_weights_speak_bfloat16():
    layer = linear(37, 53).to(torch.bfloat16)
    assert Int8Linear(layer)(torch.randn(3, 37).to(torch.bfloat16)).dtype == torch.bfloat16


def test_eight_bits_choose_nearly_the_same_tokens():
    torch.manual_seed(0)
    model = build("gpt", {"vocab_size": 997, "width": 64, "depth": 3, "context_length": 61}).eval()
    ids = torch.randint(997, (7, 41))
    with torch.inference_mode():
        exact, rough = model(ids), swap_linear(model, Int8Linear)(ids)
    assert (exact.argmax(-1) == rough.argmax(-1)).float().mean() > 0.95
    assert F.kl_div(rough.log_softmax(-1), exact.log_softmax(-1), log_target=True, reduction="batchmean") < 1e-2
