"""An index of a folder: what is found, what is read again after a change, and what is refused."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lingon.core.errors import DataError, UserError
from lingon.search import Index, ReadSettings
from lingon.search.encoder import Encoder, encode_kept
from lingon.search.fusion import RRF_K
from tests.search.toy import ToyEncoder, write_folder


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "texts")


@pytest.fixture
def toy():
    return ToyEncoder()


def texts(hits):
    return [hit.passage.text for hit in hits]


def test_words_meaning_and_both(folder, tmp_path, toy):
    index = Index.build(folder, tmp_path / "index", toy, "toy")
    assert len(index) == 6
    assert texts(index.search("fuel", mode="bm25")) == ["Cars need fuel.\n\nBread needs flour."]
    assert index.search("doctor", mode="bm25") == []  # no text has the word
    first = index.search("doctor", k=1, mode="vectors")[0]
    assert (first.path, first.passage) == ("b.md", (":3", "Health", "A physician heals.", {}))
    assert first.cosine == pytest.approx(first.score)
    both = index.search("doctor vegetables")
    assert {both[0].passage.text, both[1].passage.text} == {"A physician heals.", "Eat vegetables daily."}
    first, second = 1 / (RRF_K + 1), 1 / (RRF_K + 2)
    assert both[0].score in (pytest.approx(2 * first), pytest.approx(first + second))
    row = both[0].as_row()
    assert list(row) == ["path", "where", "title", "text", "fields", "score", "bm25", "cosine"]


def test_where_a_passage_stands_and_its_title(folder, tmp_path):
    index = Index.build(folder, tmp_path / "index")
    found = {hit.passage.text: hit for word in ("daily", "rain", "birds") for hit in index.search(word)}
    diet, rain, birds = (found[t] for t in ("Eat vegetables daily.", "Rain falls on the plain.", "Birds sing at dawn."))
    assert (diet.path, diet.passage.where, diet.passage.title) == ("b.md", ":7", "Health > Diet")
    assert (rain.path, rain.passage.title) == ("page.html", "Weather")
    assert (birds.path, birds.passage.where, birds.passage.title) == ("sub/table.csv", ":2", "One")
    assert birds.passage.fields == {"topic": "nature"}
    assert index.search("weather")[0].passage == rain.passage  # titles are searched


def test_filters(folder, tmp_path, toy):
    index = Index.build(folder, tmp_path / "index", toy)
    for mode in ("bm25", "vectors", "hybrid"):
        query = "birds banks rain physician fuel"
        assert texts(index.search(query, mode=mode, filters={"topic": "money"})) == ["Banks lend."]
        assert texts(index.search(query, mode=mode, filters={"type": "html"})) == ["Rain falls on the plain."]
        assert {h.path for h in index.search(query, mode=mode, filters={"folder": "sub"})} == {"sub/table.csv"}
        assert {h.path for h in index.search(query, mode=mode, filters={"path": "?.*"})} == {"a.txt", "b.md"}
        assert index.search(query, mode=mode, filters={"topic": "money", "type": "html"}) == []
    with pytest.raises(UserError, match="unknown field 'topics'; did you mean 'topic'"):
        index.search("x", filters={"topics": "money"})


def test_only_what_is_new_is_encoded_and_what_is_gone_vanishes(folder, tmp_path, toy):
    out = tmp_path / "index"
    index = Index.build(folder, out, toy, "toy")
    assert len(toy.calls()) == 6
    before = {p.name: p.read_bytes() for p in out.iterdir() if p.name[0] != "."}
    again = index.update()
    assert toy.calls() == []
    assert (again.report.unchanged, again.report.added, again.report.encoded) == (4, 0, 0)
    assert {p.name: p.read_bytes() for p in out.iterdir() if p.name[0] != "."} == before
    (folder / "a.txt").write_text("Cars need fuel.\n\nBread needs flour.")  # written again, the same
    (folder / "b.md").write_text("# Health\n\nA physician heals.\n\n## Diet\n\nEat less sugar.\n")
    (folder / "new.txt").write_text("Banks lend.")  # known, but for the title that the table gives it
    (folder / "page.html").unlink()
    changed = again.update()
    report = changed.report
    assert (report.unchanged, report.changed, report.added, report.removed) == (2, 1, 1, 1)
    assert toy.calls() == ["Health > Diet\nEat less sugar.", "Banks lend."]
    assert changed.search("rain", mode="bm25") == []
    assert texts(changed.search("sugar", mode="bm25")) == ["Eat less sugar."]
    fresh = Index.build(folder, tmp_path / "other", ToyEncoder(), "toy")
    np.testing.assert_array_equal(fresh.vectors, changed.vectors)
    for mode in ("bm25", "vectors", "hybrid"):
        assert fresh.search("cars sugar lend", mode=mode) == changed.search("cars sugar lend", mode=mode)
    assert len(list(out.glob("*.*"))) == len(list((tmp_path / "other").glob("*.*"))) == 6  # nothing old is left


def test_a_file_that_changed_or_vanished_is_told(folder, tmp_path):
    index = Index.build(folder, tmp_path / "index")
    hits = index.search("fuel birds rain physician")
    assert index.stale_files(hits) == {}
    (folder / "a.txt").write_text("Else.")
    shutil.rmtree(folder / "sub")
    assert index.stale_files(hits) == {"a.txt": "changed", "sub/table.csv": "gone"}
    assert index.stale_files(index.search("rain")) == {}


def test_an_index_of_something_else_is_not_overwritten_unasked(folder, tmp_path, toy):
    out = tmp_path / "index"
    Index.build(folder, out, toy, "toy")
    with pytest.raises(
        UserError, match=r"was made with the encoder 'toy' \(width 13\), and 'other' .*gives different vec"
    ):
        Index.build(folder, out, ToyEncoder(seed=1), "other")
    with pytest.raises(UserError, match=r"width 13\), and 'wide' \(width 17\)"):
        Index.open(out, ToyEncoder(17), "wide")
    with pytest.raises(UserError, match="has vectors of 'toy'; give another --out, or rebuild it with --overwrite"):
        Index.build(folder, out)
    with pytest.raises(UserError, match="was made with passage_tokens 160, not 50"):
        Index.build(folder, out, toy, settings=ReadSettings(passage_tokens=50, passage_overlap=5))
    with pytest.raises(UserError, match=r"is the index of '.*texts', not of '.*sub'"):
        Index.build(folder / "sub", out, toy)
    assert len(Index.build(folder / "sub", out, overwrite=True)) == 2
    with pytest.raises(UserError, match="has no vectors; index again"):
        Index.open(out, toy)
    with pytest.raises(UserError, match="needs the encoder of the index"):
        Index.open(out).search("x", mode="vectors")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(UserError, match=r"contains other files, such as 'thesis.txt'"):
        Index.build(folder, tmp_path / "mine", overwrite=True)


def test_slips_of_a_search(folder, tmp_path):
    index = Index.build(folder, tmp_path / "index")
    with pytest.raises(UserError, match="unknown mode 'bm52'; did you mean 'bm25'"):
        index.search("x", mode="bm52")
    with pytest.raises(UserError, match="the query is empty"):
        index.search("  ")
    with pytest.raises(UserError, match="the 0 best passages"):
        index.search("x", k=0)
    assert index.search("?!") == []


def test_sources_that_are_none(tmp_path, folder):
    with pytest.raises(UserError, match=r"there is no file or folder '.*text'; did you mean 'texts'"):
        Index.build(tmp_path / "text", tmp_path / "index")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"contains no file with one of \.txt"):
        Index.build(tmp_path / "empty", tmp_path / "index")
    with pytest.raises(UserError, match=r"ends in '\.png'"):
        Index.build(folder / "picture.png", tmp_path / "index")
    (tmp_path / "empty" / "a.txt").write_text(" \n")
    with pytest.raises(DataError, match="1 file, and none contains a passage"):
        Index.build(tmp_path / "empty", tmp_path / "index")
    assert not (tmp_path / "index").exists(), "what is refused leaves no folder behind"
    (tmp_path / "empty" / ".lock").touch()
    (tmp_path / "empty" / "a.txt").unlink()
    for place in ("index2", "empty"):
        with pytest.raises(UserError, match=f"build one with: lingon index FOLDER --out .*{place}"):
            Index.open(tmp_path / place)
    with pytest.raises(UserError, match="is a folder without an index"):
        Index.open(folder)


def test_a_file_that_cannot_be_read_is_named_or_skipped(folder, tmp_path):
    (folder / "bad.txt").write_bytes(b"good\nb\xffd")
    (folder / "bad.csv").write_text("text,topic\n,x\nfine words,y\n")
    with pytest.raises(DataError, match=r"bad\.csv:2: no text in column 'text'; --on-bad-row skip leaves out"):
        Index.build(folder, tmp_path / "index")
    index = Index.build(folder, tmp_path / "index", settings=ReadSettings(skip=True))
    assert [line.split(": ", 1)[1][:14] for line in index.report.skipped] == ["no text in col", "not UTF-8 (byt"]
    assert texts(index.search("fine")) == ["fine words"]
    assert any(
        "3 files of other kinds are" in line or "1 file of another kind is" in line for line in index.report.lines()
    )


def test_one_file_is_an_index_too(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text("\n".join(json.dumps({"text": f"note {i} " + "word " * 200, "n": i}) for i in range(3)))
    index = Index.build(path, tmp_path / "index")
    assert len(index) == 6  # each is cut in two
    hit = index.search("note 2", filters={"n": "2"})[0]
    assert (hit.path, hit.passage.where) == ("notes.jsonl", ":3")


def test_an_index_inside_the_folder_is_not_indexed(folder):
    index = Index.build(folder, folder / "index")
    assert len(index.update()) == len(index) == 6


def damaged(out, role, change):
    (path,) = out.glob(f"{role}-*")
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize("role", ["files", "passages", "bm25", "vectors"])
def test_a_damaged_index_is_refused(folder, tmp_path, toy, role):
    out = tmp_path / "index"
    Index.build(folder, out, toy)
    damaged(out, role, lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(DataError, match=rf"{role}-.*damaged, its size or sha256"):
        Index.open(out)
    damaged(out, role, lambda data: data[:-3])
    with pytest.raises(DataError, match=rf"{role}-.*damaged"):
        Index.open(out)
    next(out.glob(f"{role}-*")).unlink()
    with pytest.raises(DataError, match=rf"{role}-.*no such file"):
        Index.open(out)


def forged(out, role, data):
    """A file of a stranger whose sha256 the manifest has."""
    import hashlib

    manifest = json.loads((out / "manifest.json").read_text())
    entry = manifest["files"][role]
    (out / entry["name"]).write_bytes(data)
    entry.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    (out / "manifest.json").write_text(json.dumps(manifest))


NPY = b"\x93NUMPY\x01\x00"


@pytest.mark.parametrize(
    ("role", "data"),
    [
        ("files", b"[]\n"),
        ("files", b'{"path": "../../etc/passwd", "bytes": 1, "sha256": "", "passages": 6}\n'),
        ("files", b'{"path": "/etc/passwd", "bytes": 1, "sha256": "", "passages": 6}\n'),
        ("files", b'{"path": "a", "bytes": 1, "sha256": "", "passages": 9999999999999}\n'),
        ("files", b'{"path": "a", "bytes": 1, "sha256": "", "passages": true}\n'),
        ("files", b"\xff\xfe\n"),
        ("passages", b"[" * 5000 + b"\n"),
        ("bm25", b"\xff" * 100),
        ("bm25", (10_000_000).to_bytes(8, "little") + b"{}"),
        ("vectors", b"PK\x03\x04"),
        ("vectors", b"\x80\x04K\x01."),
        ("vectors", NPY + b"\x46\x00{'descr': '|O', 'fortran_order': False, 'shape': (6, 13)}            \n"),
        ("vectors", NPY + b"\x4a\x00{'descr': '<f4', 'fortran_order': False, 'shape': (6, 1000000000000)}  \n"),
        ("vectors", NPY + b"\x10\x00__import__('os')\n"),
    ],
)
def test_a_hostile_index_is_refused(folder, tmp_path, toy, role, data):
    out = tmp_path / "index"
    Index.build(folder, out, toy)
    forged(out, role, data)
    with pytest.raises((DataError, UserError)):
        Index.open(out).search("fuel")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 2),
        ("kind", "x"),
        ("files", []),
        ("files", {"bm25": {"name": "../bm25-0123456789abcdef.npy", "bytes": 1, "sha256": ""}}),
        ("files", {"bm25": "x"}),
        ("encoder", {"source": "toy", "width": 13, "probe": "x"}),
        ("encoder", {"source": "toy", "width": 13, "probe": [[1e999] * 13] * 2}),
        ("encoder", {}),
    ],
)
def test_a_hostile_manifest_is_refused(folder, tmp_path, toy, key, value):
    out = tmp_path / "index"
    Index.build(folder, out, toy, "toy")
    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps(manifest | {key: value}))
    with pytest.raises(DataError):
        Index.open(out, toy)


def test_eight_threads_find_what_one_finds(folder, tmp_path, toy):
    index = Index.build(folder, tmp_path / "index", toy)
    queries = ["fuel", "doctor", "birds sing", "rain", "money", "vegetables"] * 4
    expected = [index.search(query) for query in queries]
    fresh = Index.open(tmp_path / "index", toy)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fresh.search, queries)) == expected


def test_what_was_encoded_before_a_kill_is_not_encoded_again(tmp_path, monkeypatch):
    monkeypatch.setattr("lingon.search.encoder.AT_ONCE", 3)
    given = [f"text {i}" for i in range(8)]

    class Dies(ToyEncoder):
        def encode(self, texts):
            if "text 6" in texts:
                raise KeyboardInterrupt
            return super().encode(texts)

    with pytest.raises(KeyboardInterrupt):
        encode_kept(Encoder("toy", Dies()), given, tmp_path)
    toy = ToyEncoder()
    found = encode_kept(Encoder("toy", toy), given, tmp_path)
    assert toy.calls() == ["text 6", "text 7"]
    np.testing.assert_array_equal(found, encode_kept(Encoder("toy", ToyEncoder()), given, tmp_path / "other"))
    other = ToyEncoder(seed=1)
    encode_kept(Encoder("toy", other), given, tmp_path)
    assert len(other.calls()) == 8  # of another encoder nothing is taken


def test_an_encoder_that_gives_no_vectors_is_named(folder, tmp_path):
    class Broken(ToyEncoder):
        def encode(self, texts):
            return super().encode(texts) * np.nan

    with pytest.raises(DataError, match="broken: a vector holds NaN"):
        Index.build(folder, tmp_path / "index", Broken(), "broken")
    assert not (tmp_path / "index" / "manifest.json").exists()
