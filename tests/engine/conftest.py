"""Tiny trainings run on one thread: two threads cost more than such models have to compute."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _one_quiet_thread(monkeypatch):
    monkeypatch.setenv("LINGON_QUIET", "1")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
