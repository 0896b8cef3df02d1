"""Everything the README shows is run: its Python prints what it says, its commands and links exist."""

import html
import re
import shlex
import statistics
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
    for part in ("held-out texts", "most confident and wrong", "Your sentences", "try next"):
        assert part in done.stdout
    (folder / "printed.txt").write_text(done.stdout, encoding="utf-8")
    return folder


@pytest.mark.data
@pytest.mark.xdist_group("sentiment")
def test_the_picture_shows_what_a_run_prints(after_make_run):
    """Line by line: the same words, and scores that differ by less than other processors make them."""
    drawn = re.findall(r"<text[^>]*>(.*)</text>", (ROOT / "docs" / "first-success.svg").read_text(encoding="utf-8"))
    drawn = [html.unescape(line) for line in drawn]
    assert drawn[0] == "$ lingon train sentiment"
    asked = next(line for line in drawn[1:] if line.startswith("$ lingon predict"))
    answer = lingon(*shlex.split(asked)[2:], cwd=after_make_run).stdout
    printed = (after_make_run / "printed.txt").read_text(encoding="utf-8") + answer
    known = {words_of(line): line for line in printed.splitlines()}
    for line in (line for line in drawn if not line.startswith(("$", "..."))):
        assert words_of(line) in known, line
        if "held-out" in line:
            assert numbers_of(line) == pytest.approx(numbers_of(known[words_of(line)]), abs=0.01)


def words_of(line: str) -> str:
    """A line without its numbers, and without the most influential words, whose order is close."""
    return re.sub(r"[-+]?[\d.,]*\d", "N", re.sub(r"\[.*", "", line)).rstrip()


def numbers_of(line: str) -> list[float]:
    return [float(n) for n in re.findall(r"\d+\.\d+", line)]


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


def test_what_the_readme_says_of_the_size_of_the_code_is_so():
    files = [p for p in (ROOT / "lingon").rglob("*.py") if "course" not in p.parts]
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in files]
    said = re.search(
        r"some ([\d,]+) lines in (\d+) files.*?half of them have fewer than (\d+) lines", README, re.DOTALL
    )
    lines, count, median = (int(number.replace(",", "")) for number in said.groups())
    assert lines == pytest.approx(sum(lengths), rel=0.15)
    assert count == pytest.approx(len(lengths), rel=0.15)
    assert median - 15 < statistics.median(lengths) < median


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8"))
    assert all(((ROOT / page).parent / link).exists() for link in links), links
