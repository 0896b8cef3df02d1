"""Batch normalization: the formula, and the same in several processes as in one."""

import torch
from safetensors.torch import load_file
from torch import nn

from lingon.layers.batch_norm import BatchNorm
from tests.engine.test_reliability import python
from tests.layers.batch_norm_ranks import IMAGES, normalized

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=3")


def test_a_channel_has_mean_zero_and_variance_one_over_the_batch():
    made = BatchNorm(3)(IMAGES)
    torch.testing.assert_close(made.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(made.var((0, 2, 3), unbiased=False), torch.ones(3), atol=1e-4, rtol=0)
    assert isinstance(BatchNorm(3), nn.BatchNorm2d)


def test_three_processes_normalize_as_one(tmp_path):
    code, _, errors = python(*TORCHRUN, "-m", "tests.layers.batch_norm_ranks", tmp_path / "found")
    assert code == 0, errors
    whole = normalized(0, 1)
    parts = [load_file(tmp_path / f"found-{rank}") for rank in range(3)]
    for rank, part in enumerate(parts):
        for name in ("y", "dx"):
            torch.testing.assert_close(part[name], whole[name][rank::3], rtol=1e-4, atol=1e-5)
        for name in ("mean", "var", "batches"):
            torch.testing.assert_close(part[name], whole[name], rtol=1e-5, atol=1e-6)
    for name in ("dw", "db"):
        torch.testing.assert_close(sum(part[name] for part in parts), whole[name], rtol=1e-4, atol=1e-4)


def test_a_single_value_a_channel_is_normalized_by_the_running_statistics():
    layer, x = BatchNorm(3), torch.tensor([2.0, -1.0, 5.0]).reshape(1, 3, 1, 1)
    layer.running_mean.fill_(1.0)
    layer.running_var.fill_(4.0)
    torch.testing.assert_close(layer(x), (x - 1) / (4 + layer.eps) ** 0.5)
    assert layer.running_mean.tolist() == [1.0, 1.0, 1.0]
