"""The site of docs/ builds without a warning, by the command of `make docs`, and needs no network to be read."""

import os
import re
import runpy
import shlex
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
pytestmark = pytest.mark.xdist_group("site")


def build(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """What `make docs` runs, from the Makefile itself, with another source and target."""
    line = re.search(r"^docs:.*\n\t\$\(BIN\)/python (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    words = [{"docs": str(source), "docs/_build/html": str(out)}.get(word, word) for word in shlex.split(line)]
    words = [sys.executable, *words, "-c", str(DOCS)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ)


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site") / "html"
    done = build(DOCS, out)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_every_page_of_docs_is_in_the_site(site):
    pages = [p.relative_to(DOCS) for p in DOCS.rglob("*.md") if not p.relative_to(DOCS).parts[0].startswith("_")]
    assert len(pages) > 10
    assert [str(page) for page in pages if not (site / page).with_suffix(".html").is_file()] == []


def test_nothing_that_a_page_loads_comes_from_a_network(site):
    loads = re.compile(
        r"""<(?:script|img|iframe|source)\b[^>]*\bsrc="(?:https?:)?//|<link\b[^>]*\bhref="(?:https?:)?//"""
    )
    assert loads.search('<script src="https://cdn.example/x.js">')
    assert loads.search('<link rel="stylesheet" href="//fonts.example/a.css">')
    files = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(files) > 20
    styles = re.compile(r"""(?:@import|url\()\s*["'(]*(?:https?:)?//""")
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert not loads.search(text), path
        assert not styles.search(text), path


def test_it_can_be_searched(site):
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert "glossary" in index
    assert "perplex" in index  # the stem of a word of the glossary
    assert (site / "search.html").is_file()


HEAD = "---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n"
PAGE = HEAD + "# Page\n\n```{code-cell}\n!lingon --version CODE\n```\n"


@pytest.mark.parametrize(
    ("text", "builds"),
    [("# Page\n[x](gone.md)\n", False), (PAGE.replace("CODE", ""), True), (PAGE.replace("CODE", "--no-such"), False)],
    ids=["a link to nowhere", "a command", "a command that fails"],
)
def test_a_build_fails_when_a_link_or_a_command_does(text, builds, tmp_path):
    (tmp_path / "index.md").write_text(text)
    done = build(tmp_path, tmp_path / "out")
    assert (done.returncode == 0) is builds, done.stderr


@pytest.mark.parametrize(
    ("command", "passes"), [("true", True), ("false", False), ("false  # fails", True), ("true  # fails", False)]
)
def test_a_command_of_a_how_to_must_end_as_its_line_says(command, passes, monkeypatch):
    shell = SimpleNamespace()
    monkeypatch.setattr("builtins.get_ipython", lambda: shell, raising=False)
    runpy.run_path(str(DOCS / "_extensions" / "notebook_commands.py"))
    with nullcontext() if passes else pytest.raises(RuntimeError, match="exit status"):
        shell.system(command)
