"""The site of docs/ builds without a warning, by the command of `make docs`, and needs no network to be read."""

import importlib
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace

import pytest

from lingon.core.errors import FetchError
from lingon.data.corpora import CORPORA, PICTURES, TEXTS, VECTORS
from lingon.data.corpora.encoders import ENCODERS
from lingon.data.fetch import fetch
from tests.conftest import NO_DATA

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CATALOGUE = CORPORA | TEXTS | VECTORS | PICTURES | ENCODERS
pytestmark = pytest.mark.xdist_group("site")


def build(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """What `make docs` runs, from the Makefile itself, with another source and target."""
    line = re.search(r"^docs:.*\n\t\$\(BIN\)/python (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    words = [{"docs": str(source), "docs/_build/html": str(out)}.get(word, word) for word in shlex.split(line)]
    words = [sys.executable, *words, "-c", str(DOCS)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ)


def data_of_pages() -> set[str]:
    """The names of the catalogue that a cell of a page asks for."""
    pages = "\n".join(page.read_text(encoding="utf-8") for page in DOCS.rglob("*.md"))
    cells = re.findall(r"^```\{code-cell\}\n(.*?)^```$", pages, re.MULTILINE | re.DOTALL)
    return set(re.findall(r"[\w-]+", "\n".join(cells))) & set(CATALOGUE)


def fetch_or_skip(names: Iterable[str]) -> None:
    """Fetch corpora; skip the test, which the summary counts, where one is neither here nor to be had."""
    for name in sorted(names):
        try:
            fetch(CATALOGUE[name].source, name)
        except FetchError as error:
            pytest.skip(f"{NO_DATA}{error}")


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    fetch_or_skip(data_of_pages())
    out = tmp_path_factory.mktemp("site") / "html"
    done = build(DOCS, out)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_the_data_of_the_pages_is_known():
    assert {"rotten-tomatoes", "glove-6b-50d"} <= data_of_pages()


def test_a_site_whose_data_is_nowhere_is_skipped_and_counted(monkeypatch):
    def nowhere(source: object, name: str) -> None:
        raise FetchError(f"{name}: could not be fetched")

    monkeypatch.setattr("tests.docs.test_site.fetch", nowhere)
    with pytest.raises(pytest.skip.Exception, match=r"^no data: glove-6b-50d: could not be fetched$"):
        fetch_or_skip({"rotten-tomatoes", "glove-6b-50d"})


@pytest.mark.data
def test_every_page_of_docs_is_in_the_site(site):
    pages = [p.relative_to(DOCS) for p in DOCS.rglob("*.md") if not p.relative_to(DOCS).parts[0].startswith("_")]
    assert len(pages) > 10
    assert [str(page) for page in pages if not (site / page).with_suffix(".html").is_file()] == []


@pytest.mark.data
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


@pytest.mark.data
def test_it_can_be_searched(site):
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert "glossary" in index
    assert "perplex" in index  # the stem of a word of the glossary
    assert (site / "search.html").is_file()


def public_names(module: ModuleType) -> Iterator[str]:
    """Classes and functions that `__all__` lists, of a package and its public modules; modules without such a list."""
    if not hasattr(module, "__all__"):
        yield module.__name__
        return
    for offered in module.__all__:
        name = f"{module.__name__}.{offered}"
        if hasattr(module, "__path__") and find_spec(name):
            yield from public_names(importlib.import_module(name))
        elif isinstance(value := getattr(module, offered), type | FunctionType) and is_ours(value, offered):
            yield name


def is_ours(value: type | FunctionType, name: str) -> bool:
    """Whether something is defined in Lingon, and under that name."""
    return value.__module__.startswith("lingon.") and value.__name__ == name


@pytest.mark.data
def test_the_reference_has_every_public_name(site):
    pages = "\n".join(path.read_text(encoding="utf-8") for path in (site / "api").glob("*.html"))
    described = set(re.findall(r'\bid="(?:module-)?(lingon[\w.]*)"', pages))
    packages = ["lingon", *(f"lingon.{name}" for name in listed_packages())]
    names = {name for package in packages for name in public_names(importlib.import_module(package))}
    assert sorted(names - described) == []
    assert {"lingon.engine.fit.fit", "lingon.tasks.classify.Classifier", "lingon.models.textcnn"} <= names
    assert {"lingon.models.textcnn.TextCNN.forward", "lingon.LingonClassifier"} <= described


def listed_packages() -> list[str]:
    """The packages of Lingon whose public names the reference describes."""
    inits = [
        path for path in (ROOT / "lingon").glob("*/__init__.py") if "__all__ = " in path.read_text(encoding="utf-8")
    ]
    return sorted({path.parent.name for path in inits} - {"scratch", "program"})  # which have names that all know


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
