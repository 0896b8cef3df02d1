"""The command that installs an extra: it names packages, and the Python that runs."""

import os
import sys
import tomllib
from pathlib import Path

from lingon.core.optional_packages import install_command, missing, packages_of, python_command

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def test_the_packages_are_those_of_the_project():
    for extra in ("course", "plots", "tensorboard", "export"):
        assert sorted(packages_of(extra)) == sorted(PROJECT["optional-dependencies"][extra])
    assert packages_of("cours") == []


def test_the_command_names_packages_which_every_registry_has(monkeypatch):
    monkeypatch.setattr("lingon.core.optional_packages.python_command", lambda: "python")
    assert install_command("plots") == "python -m pip install 'matplotlib>=3.8'"


def test_missing_are_those_that_cannot_be_imported(monkeypatch):
    monkeypatch.setattr("lingon.core.optional_packages.find_spec", lambda name: None if name == "onnx" else True)
    assert missing("export") == ["onnx"]


def test_python_is_named_as_it_can_be_typed(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "my place" / ".venv" / "bin" / "python"))
    Path(sys.executable).parent.mkdir(parents=True)
    Path(sys.executable).touch(0o755)
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.chdir(tmp_path)
    assert python_command() == "'my place/.venv/bin/python'"
    monkeypatch.chdir(tmp_path / "my place")
    assert python_command() == ".venv/bin/python"
    monkeypatch.chdir("/")
    monkeypatch.chdir(tmp_path / "my place" / ".venv" / "bin")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert python_command() == "python"
