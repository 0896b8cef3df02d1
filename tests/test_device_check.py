"""The script that checks a device runs whole on a CPU, and says so when a device computes something else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import device_check

ROOT = Path(__file__).parents[1]
needs_bash = pytest.mark.skipif(os.name == "nt", reason="a shell script")


@needs_bash
def test_the_script_checks_the_cpu(tmp_path):
    out = tmp_path / "new" / "check.json"
    command = ["bash", str(ROOT / "scripts" / "device_check.sh"), "--device", "cpu", "--small", "--out", str(out)]
    done = subprocess.run(command, env=os.environ | {"PYTHON": sys.executable}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(out.read_text())
    assert found["right"]
    assert found["device"] == "cpu"
    assert found["small"]
    models = found["steps"]["models"]
    assert {name.partition(",")[0] for name in models} == {
        *device_check.models_for("classifier"),
        *device_check.models_for("causal"),
    }
    assert all(row["right"] for name, row in models.items() if "float16" not in name or "bfloat16" in name)
    assert "float16 needs a CUDA device" in models["gpt, float16"]["refused"]
    assert found["resume"]["difference"] == 0
    assert found["training"]["eager"]["tokens_per_second"] > 0
    assert found["generation"]["batch 64"]["tokens_per_second"] > 0


def test_a_device_that_computes_something_else_is_found(monkeypatch):
    right = device_check.one_step

    def wrong(name, device, form):
        loss, change = right(name, device, form)
        return loss, change * (1.2 if (name, form) == ("bag", "bfloat16") else 1.0)

    monkeypatch.setattr(device_check, "models_for", lambda role: ["bag"] if role == "classifier" else [])
    monkeypatch.setattr(device_check, "one_step", wrong)
    found = device_check.steps(torch.device("cpu"))
    assert not found["right"]
    assert [name for name, row in found["models"].items() if not row.get("right", True)] == ["bag, bfloat16"]
    assert found["models"]["bag, bfloat16"]["change"] == pytest.approx(0.2, abs=0.06)


def test_a_part_that_fails_costs_only_itself(monkeypatch):
    def broken(device):
        raise RuntimeError("no such kernel")

    for part in ("steps", "resume", "training", "generation", "encoder"):
        monkeypatch.setattr(device_check, part, lambda *given: {"right": True})
    monkeypatch.setattr(device_check, "kernels", broken)
    found = device_check.check(torch.device("cpu"), True)
    assert not found["right"]
    assert found["kernels"]["error"] == "RuntimeError: no such kernel"
    assert found["encoder"]["right"]


def test_a_kernel_that_fails_is_written_as_json_that_every_reader_takes(monkeypatch, tmp_path):
    for part in ("steps", "resume", "training", "generation", "encoder"):
        monkeypatch.setattr(device_check, part, lambda *given: {"right": True})
    monkeypatch.setattr(device_check, "differences", lambda device: {"matmul": 0.0, "lstm": float("inf")})
    assert device_check.main(["--device", "cpu", "--small", "--out", str(tmp_path / "x.json")]) == 1
    found = json.loads((tmp_path / "x.json").read_text(), parse_constant=pytest.fail)
    assert not found["right"]
    assert found["kernels"]["differences"] == {"matmul": 0.0, "lstm": None}
