"""Everything the README shows is run: its Python prints what it says, its commands and links exist."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import lingon

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line, comments=True)
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture(scope="module")
def after_make_run(tmp_path_factory):
    """What `make run` runs, in a folder of its own; the set-up has been done, or no test would run."""
    folder = tmp_path_factory.mktemp("readme")
    done = lingon("train", "sentiment", "--out", "runs/sentiment", cwd=folder)
    assert done.returncode == 0, done.stderr
    for part in ("held-out texts", "surest and wrong", "Your sentences", "try next"):
        assert part in done.stdout
    return folder


@pytest.mark.data
@pytest.mark.xdist_group("sentiment")
def test_the_main_job_reaches_its_accuracy(after_make_run):
    done = lingon("evaluate", "runs/sentiment", "--data", "imdb", "--json", cwd=after_make_run)
    assert float(re.search(r'"accuracy": ([\d.]+)', done.stdout)[1]) >= 0.88


@pytest.mark.data
@pytest.mark.xdist_group("sentiment")
def test_the_first_lines_of_python_print_what_the_readme_says(after_make_run):
    code, said = re.search(r"```python\n(.*?)```\n```\n(.*?)```", README, re.DOTALL).groups()
    done = subprocess.run([sys.executable, "-c", code], cwd=after_make_run, capture_output=True, text=True, check=False)
    assert done.stdout == said, done.stderr


def test_make_run_is_the_command_that_is_tested_here():
    assert "lingon train sentiment --out $(RUN)" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("words", [c for c in COMMANDS if c and c[0] == "lingon"], ids=" ".join)
def test_every_command_and_option_in_the_readme_exists(words):
    plain = [w for w in words[1:] if not w.startswith("-")]
    depth = 2 if plain[0] in ("train", "data", "learn", "vectors") else 1
    shown = lingon(*plain[:depth], "--help").stdout
    assert "Usage: lingon " + " ".join(plain[:depth]) in shown
    for option in (w for w in words if w.startswith("--")):
        assert option in shown


def test_every_make_target_in_the_readme_exists():
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE))
    assert targets >= {"run", "test", "bench"}
    rules = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{t}:", rules, re.MULTILINE) for t in targets)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert all(((ROOT / page).parent / link).exists() for link in links), links
