"""Help is instant, because nothing heavy is imported for it."""

import subprocess
import sys

import pytest

from tests.cli.conftest import lingon

HEAVY = ("torch", "numpy", "pyarrow", "tokenizers", "numba", "safetensors")


@pytest.mark.parametrize("code", ["import lingon", "import lingon.cli.app", "import lingon.recipes"])
def test_starting_imports_nothing_heavy(code):
    check = f"{code}\nimport sys\nprint(*[m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("module", ["lingon.data.preview", "lingon.data.load_data", "lingon.data.load_parallel"])
def test_data_is_looked_at_without_torch(module):
    code = f"import {module}, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "train"),
        (["--help"], "predict"),
        (["train", "--help"], "sentiment"),
        (["train", "classify", "--help"], "--weight-decay"),
        (["recipes"], "lingon train sentiment"),
        (["--version"], "0."),
        (["data", "list"], "imdb"),
    ],
)
def test_help_and_lists(words, said):
    done = lingon(*words)
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_shell_completion_knows_the_commands():
    done = subprocess.run(
        [sys.executable, "-c", "from lingon.cli.app import main; main([])"],
        env={"_LINGON_COMPLETE": "complete_bash", "COMP_WORDS": "lingon tra", "COMP_CWORD": "1", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "train" in done.stdout.split()
