"""What every kernel keeps to: torch's numbers and gradients, with the private operator it leans on and without.

A new kernel joins with one row.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lingon.kernels import bfloat16_linear, feature_sum, int8_dynamic, parallel_lstm
from lingon.kernels import linear as onednn
from lingon.kernels.bfloat16_linear import BFloat16Linear
from lingon.kernels.int8_dynamic import DynamicInt8Linear
from lingon.kernels.int8_linear import Int8Linear
from lingon.kernels.packed_linear import pack_linear

INPUTS, OUTPUTS, ROWS = 521, 509, 67  # large enough for oneDNN to be asked
T, B, D, H = 11, 3, 7, 5


class Kernel(NamedTuple):
    """A kernel beside plain torch. `without` takes away what is private; gradients says whether it has any."""

    ours: Callable[..., Sequence[Tensor]]
    torchs: Callable[..., Sequence[Tensor]]
    inputs: Callable[[], list[Tensor]]
    without: Callable[[pytest.MonkeyPatch], None]
    gradients: bool = True


def no_onednn(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(onednn, "ONEDNN", False)
    patch.setattr(torch.ops, "mkldnn", None)


def no_bfloat16(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bfloat16_linear, "ONEDNN", False)
    patch.setattr(torch.ops, "mkldnn", None)


def no_quantized_operators(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(int8_dynamic, "ENGINES", ())
    patch.setattr(torch.ops, "quantized", None)


def one_thread(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(torch, "get_num_threads", lambda: 1)


def no_compiled_loops(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(feature_sum, "_compiled", lambda tensor: False)


def layer() -> nn.Linear:
    torch.manual_seed(3)
    return nn.Linear(INPUTS, OUTPUTS)


def lstms() -> tuple[nn.LSTM, nn.LSTM]:
    torch.manual_seed(3)
    return nn.LSTM(D, H), nn.LSTM(D, H)


def rounded_layer() -> nn.Linear:
    """A layer whose weights are whole numbers of 8 bits times a step: rounding them changes nothing."""
    plain = layer()
    whole = torch.randint(-127, 128, plain.weight.shape).float()
    whole[:, 0] = 127
    plain.weight.data = whole * 2**-10
    return plain


def whole_layer() -> nn.Linear:
    """A layer of small whole numbers: 16 bits hold them, and sums of their products are exact in any order."""
    plain = layer()
    plain.weight.data = torch.randint(-2, 3, plain.weight.shape).float()
    plain.bias.data = torch.randint(-9, 10, plain.bias.shape).float()
    return plain


def whole_bytes() -> Tensor:
    """Whole numbers from -128 to 127, both among them: as 8 bits they are themselves."""
    found = torch.randint(-128, 128, (ROWS, INPUTS)).float()
    found[0, :2] = torch.tensor([-128.0, 127.0])
    return found


KEYS = torch.tensor([row << 32 | text for row, text in [(0, 0), (2, 0), (2, 1), (5, 2), (6, 0), (6, 2)]])


def dense_sum(table: Tensor, values: Tensor) -> list[Tensor]:
    """Multiplies by the matrix with a number for each row and text."""
    texts = torch.zeros(3, 7)
    for key, value in zip(KEYS.tolist(), values, strict=True):
        texts[key & 0xFFFFFFFF, key >> 32] = value
    return [texts @ table]


KERNELS = {
    "linear": Kernel(
        lambda x, w, b: [onednn.onednn_linear(x, w, b)],
        lambda x, w, b: [F.linear(x, w, b)],
        lambda: [torch.randn(ROWS, INPUTS), torch.randn(OUTPUTS, INPUTS) / 23, torch.randn(OUTPUTS)],
        no_onednn,
    ),
    "packed_linear": Kernel(
        lambda x: [pack_linear(layer())(x)],
        lambda x: [layer()(x)],
        lambda: [torch.randn(ROWS, INPUTS)],
        no_onednn,
        gradients=False,
    ),
    "int8_linear": Kernel(
        lambda x: [Int8Linear(rounded_layer())(x)],
        lambda x: [rounded_layer()(x)],
        lambda: [torch.randn(ROWS, INPUTS)],
        no_onednn,
        gradients=False,
    ),
    "int8_linear, few rows": Kernel(
        lambda x: [Int8Linear(rounded_layer())(x)],
        lambda x: [rounded_layer()(x)],
        lambda: [torch.randn(5, INPUTS)],
        no_onednn,
        gradients=False,
    ),
    "bfloat16_linear": Kernel(
        lambda x: [BFloat16Linear(whole_layer())(x).float()],
        lambda x: [whole_layer()(x).bfloat16().float()],
        lambda: [torch.randint(-2, 3, (ROWS, INPUTS)).float()],
        no_bfloat16,
        gradients=False,
    ),
    "int8_dynamic": Kernel(
        lambda x: [DynamicInt8Linear(rounded_layer())(x)],
        lambda x: [rounded_layer()(x)],
        lambda: [whole_bytes()],
        no_quantized_operators,
        gradients=False,
    ),
    "parallel_lstm": Kernel(
        lambda x, y: parallel_lstm.parallel_lstm(*lstms(), x, y),
        lambda x, y: [lstm(z)[0] for lstm, z in zip(lstms(), (x, y), strict=True)],
        lambda: [torch.randn(T, B, D), torch.randn(T, B, D)],
        one_thread,
    ),
    "feature_sum": Kernel(
        lambda table, values: [feature_sum.sum_rows(table, KEYS, values.detach(), 3)],
        lambda table, values: dense_sum(table, values.detach()),
        lambda: [torch.randn(7, 2), torch.rand(len(KEYS))],
        no_compiled_loops,
    ),
}


def results(function: Callable[..., Sequence[Tensor]], inputs: list[Tensor], gradients: bool) -> list[Tensor]:
    """The outputs, and the gradients of the inputs for a loss in which no two numbers weigh the same."""
    given = [x.clone().requires_grad_(gradients) for x in inputs]
    with torch.set_grad_enabled(gradients):
        out = list(function(*given))
    if not gradients:
        return out
    sum((o * torch.linspace(-1, 1, o.numel()).view_as(o)).sum() for o in out).backward()
    return [*out, *(x.grad.to_dense() for x in given if x.grad is not None)]


@pytest.mark.parametrize("private", [True, False], ids=["fast path", "plain path"])
@pytest.mark.parametrize("name", KERNELS)
def test_the_numbers_are_torchs(name, private, monkeypatch):
    kernel = KERNELS[name]
    torch.manual_seed(1)
    inputs = kernel.inputs()
    expected = results(kernel.torchs, inputs, kernel.gradients)
    if not private:
        kernel.without(monkeypatch)
    found = results(kernel.ours, inputs, kernel.gradients)
    assert len(found) == len(expected) > 0
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
