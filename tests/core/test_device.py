"""Devices by name; what is set once one is chosen."""

import pytest
import torch

from lingon.core.device import pick_device
from lingon.core.errors import UserError


def test_float32_is_computed_in_float32_on_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert pick_device("auto") == torch.device("cuda")
    assert not torch.backends.cudnn.allow_tf32


def test_attention_on_cuda_makes_no_plan_for_each_length(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    pick_device("cuda")
    assert not torch.backends.cuda.cudnn_sdp_enabled()


def test_the_cpu_changes_no_setting(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert pick_device("cpu") == torch.device("cpu")
    assert torch.backends.cudnn.allow_tf32


def test_a_device_that_is_not_there_is_refused_with_those_that_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"'cuda' is not available here.*cpu"):
        pick_device("cuda")
