"""Models without memory: shapes are right, and nothing is drawn for weights that are not there."""

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from lingon.core.shapes_alone import shapes_alone
from lingon.models.registry import build


class Seen(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(func.name())
        return func(*args, **(kwargs or {}))


def test_no_random_numbers_are_drawn_for_weights_that_are_not_there():
    sizes = {"vocab_size": 11, "width": 6, "heads": 3, "depth": 1, "context_length": 5}
    state = torch.get_rng_state()
    with shapes_alone(), Seen() as seen:
        model = build("bert", sizes)
        for layer in (nn.Linear(3, 5), nn.LSTM(3, 5), nn.Conv1d(3, 5, 2), nn.Embedding(7, 3)):
            layer.weight_of = [nn.init.xavier_uniform_(p) for p in layer.parameters() if p.ndim > 1]
    assert not [name for name in seen.names if "normal" in name or "uniform" in name]
    assert "aten::empty.memory_format" in seen.names
    assert {p.device.type for p in model.parameters()} == {"meta"}
    assert model.embedding.weight.shape == (11, 6)
    assert torch.equal(torch.get_rng_state(), state)


def test_numbers_are_drawn_where_there_is_memory():
    with shapes_alone():
        weight = torch.zeros(7, 5, device="cpu")
        nn.init.normal_(weight)
    assert weight.std() > 0
