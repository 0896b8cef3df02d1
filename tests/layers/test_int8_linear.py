"""Frozen linear layers of 8 bits: against the product by hand, their gradient, memory, and LoRA beside them."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lingon.kernels.linear import OneDNNLinear
from lingon.layers.int8_linear import FrozenInt8Linear, dequantize_linear, quantize_linear
from lingon.layers.lora import LoRA, LoRALinear, adapters_in, add_lora, merge_lora, without_lora
from lingon.models.registry import build

SIZES = {"vocab_size": 23, "width": 28, "depth": 2, "heads": 7, "context_length": 17}


def close(found, wanted, atol=1e-5):
    torch.testing.assert_close(found, wanted, atol=atol, rtol=1e-4)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("rows", [3, 300])
def test_it_computes_the_product_of_the_rounded_matrix_and_its_gradient(bias, rows):
    torch.manual_seed(0)
    plain = nn.Linear(131, 67, bias=bias)
    layer, x = FrozenInt8Linear(plain), torch.randn(rows, 131, requires_grad=True)
    scale = plain.weight.abs().amax(1, keepdim=True) / 127
    rounded = (plain.weight / scale).round() * scale
    assert (rounded - plain.weight).abs().max() <= scale.max() / 2 + 1e-7
    close(layer(x), F.linear(x, rounded, plain.bias))
    weights = torch.randn(rows, 67)
    (found,) = torch.autograd.grad((layer(x) * weights).sum(), x)
    close(found, weights @ rounded.detach(), 1e-4)
    close(layer.plain()(x), layer(x))


def test_it_takes_a_quarter_of_the_memory_and_trains_nothing():
    plain = nn.Linear(256, 512)
    layer = FrozenInt8Linear(plain)
    tensors = [*layer.parameters(), *layer.buffers()]
    size = sum(t.numel() * t.element_size() for t in tensors)
    assert size < 0.27 * sum(p.numel() * p.element_size() for p in plain.parameters())
    assert not any(t.requires_grad for t in tensors)


def test_the_gradient_keeps_no_matrix_in_float32():
    """Between forwards and backwards a layer keeps its input for nobody, and its matrix as the 8-bit numbers."""
    layer, x, kept = FrozenInt8Linear(nn.Linear(128, 128)), torch.randn(5, 128, requires_grad=True), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        layer(x).sum()
    assert [t.dtype for t in kept if t.numel() >= 128 * 128] == [torch.int8]


def test_a_model_of_8_bits_learns_in_its_adapters_alone_and_is_merged():
    torch.manual_seed(0)
    model, ids = build("gpt", SIZES), torch.randint(23, (3, 11))
    for p in model.parameters():
        nn.init.normal_(p.data, std=0.2)
    exact = model(ids)
    quantize_linear(model)
    rounded = {name: m.weight for name, m in model.named_modules() if isinstance(m, FrozenInt8Linear)}
    assert set(rounded) == {
        f"blocks.{i}.{name}"
        for i in (0, 1)
        for name in ("attention.qkv", "attention.out", "feed_forward.up", "feed_forward.down")
    }
    assert 0 < (model(ids) - exact).abs().max() < 0.1 * exact.abs().max()
    before = model(ids)
    add_lora(model, LoRA(3, 6, layers=["query", "value", "feed_forward.down"]))
    close(model(ids), before)
    for adapter in adapters_in(model).values():
        nn.init.normal_(adapter.B, std=0.1)
    model(ids).sum().backward()
    assert {n.rpartition(".")[2] for n, p in model.named_parameters() if p.grad is not None} == {"A", "B"}
    after = model(ids)
    assert (after - before).abs().max() > 1e-3
    with without_lora(model):
        close(model(ids), before)
    close(model(ids), after)
    merge_lora(model)
    close(model(ids), after, 1e-4)
    assert not [m for m in model.modules() if isinstance(m, FrozenInt8Linear | LoRALinear)]
    assert {type(m) for m in model.modules() if isinstance(m, nn.Linear)} == {OneDNNLinear}
    assert all(p.requires_grad for p in model.parameters())


def test_only_named_layers_are_rounded_and_are_put_back():
    model = build("gpt", SIZES)
    quantize_linear(model, ["blocks.1.attention.out"])
    assert [n for n, m in model.named_modules() if isinstance(m, FrozenInt8Linear)] == ["blocks.1.attention.out"]
    dequantize_linear(model)
    assert model.state_dict().keys() == build("gpt", SIZES).state_dict().keys()
