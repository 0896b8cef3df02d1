"""lingon index, search and embed: what they print, and how slips end. The encoder that is loaded is a toy."""

import io
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from lingon.cli import text_encoder
from lingon.cli.app import main
from lingon.core.errors import UserError
from lingon.tasks.require import require
from tests.search.toy import ToyEncoder, write_folder


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command; returns exit code, output lines and what stands on stderr."""
    loaded = []

    def load(source, device="cpu", precision="float32"):
        loaded.append(source)
        return ToyEncoder(seed=len(source))  # another name, another encoder

    monkeypatch.setattr(text_encoder, "load_encoder", load)
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "texts")

    def call(*words, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return end.value.code, said.out.splitlines(), said.err

    call.loaded = loaded
    return call


def test_a_folder_is_indexed_asked_and_indexed_again(run, tmp_path):
    code, out, _ = run("index", "texts", "--out", "idx")
    assert code == 0
    assert out[0] == "4 files (4 new, 0 changed, 0 as before, 0 removed), 6 passages, 6 encoded"
    assert out[1] == "1 file of another kind is left out: .png 1"
    assert run.loaded == ["minilm-l6"]
    code, out, err = run("search", "idx", "doctor", "-k", "1", "--mode", "vectors")
    assert (code, err) == (0, "")
    assert out[0].startswith("1. b.md:3  Health  (score ")
    assert out[1] == "   A physician heals."
    _, out, _ = run("search", "idx", "birds", "--json", "--filter", "type=csv", "--filter", "topic=nat*")
    found = [json.loads(line) for line in out]
    assert [(hit["path"], hit["where"], hit["query"]) for hit in found] == [("sub/table.csv", ":2", "birds")]
    (tmp_path / "texts" / "a.txt").write_text("Else.")
    _, _, err = run("search", "idx", "fuel", "--mode", "bm25")
    assert "changed since they were indexed: a.txt (changed); index again: lingon index texts --out idx" in err
    _, out, _ = run("index", "texts", "--out", "idx")
    assert out[0] == "4 files (0 new, 1 changed, 3 as before, 0 removed), 6 passages, 1 encoded"


def test_what_is_not_said_again_is_that_of_the_index(run):
    run("index", "texts", "--out", "idx", "--lexical-only", "--passage-tokens", "8", "--passage-overlap", "0")
    code, out, _ = run("index", "texts", "--out", "idx")
    assert (code, run.loaded) == (0, [])
    assert "4 as before" in out[0]
    run("index", "texts", "--out", "other", "--encoder", "mine")
    assert run("index", "texts", "--out", "other")[0] == 0
    assert run("search", "other", "rain")[0] == 0
    assert run.loaded == ["mine"] * 3


def test_queries_come_by_standard_input(run):
    run("index", "texts", "--out", "idx", "--lexical-only")
    _, out, err = run("search", "idx", stdin="rain\n\nbirds\nzebra\n")
    assert [line.split()[1] for line in out if line[0] != " "] == ["page.html", "sub/table.csv:2"]
    assert "no results" in err


def test_a_page_is_written(run, tmp_path):
    run("index", "texts", "--out", "idx", "--lexical-only")
    code, out, _ = run("search", "idx", "rain", "--page", "found.html")
    assert (code, out) == (0, ["wrote found.html: 1 of 6 passages"])
    assert "<mark>Rain</mark> falls" in (tmp_path / "found.html").read_text()


def test_duplicates_and_clusters(run, tmp_path):
    (tmp_path / "texts" / "copy.txt").write_text("Birds sing at dawn.")
    run("index", "texts", "--out", "idx")
    _, out, _ = run("search", "idx", "--duplicates")
    assert out == [
        "2 passages: Birds sing at dawn.",
        "   copy.txt:1",
        "   sub/table.csv:2",
        "1 of 7 passages are near-duplicates of an earlier one",
    ]
    _, out, _ = run("search", "idx", "--clusters", "2", "--json")
    found = [json.loads(line) for line in out]
    assert sum(len(cluster["passages"]) for cluster in found) == 7
    _, out, _ = run("search", "idx", "--clusters", "2")
    assert len(out) == 4


def test_vectors_of_texts(run, tmp_path):
    assert "text 2 is blank; its vector means nothing" in run("embed", "toy", "one text", " ")[2]
    _, out, _ = run("embed", "toy", "one text", "another")
    rows = [json.loads(line) for line in out]
    expected = ToyEncoder(seed=3).encode(["one text", "another"])
    assert [row["text"] for row in rows] == ["one text", "another"]
    np.testing.assert_allclose([row["vector"] for row in rows], expected, rtol=1e-6)
    (tmp_path / "t.csv").write_text("n,text\n1,one text\n2,another\n")
    code, out, _ = run("embed", "toy", "--data", "t.csv", "--out", "v.npy")
    assert (code, out) == (0, ["wrote v.npy: 2 vectors of width 13"])
    found = np.load("v.npy", allow_pickle=False)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    run("embed", "toy", "--data", "t.csv", "--out", "v.parquet")
    run("embed", "toy", "--data", "t.csv", "--out", "v.jsonl")
    import pyarrow.parquet as pq

    table = pq.read_table("v.parquet")
    assert str(table.schema.field("vector").type) == "list<element: float>"
    assert table["n"].to_pylist() == ["1", "2"]
    np.testing.assert_allclose(table["vector"].to_pylist(), expected, rtol=1e-6)
    lines = [json.loads(line) for line in (tmp_path / "v.jsonl").read_text().splitlines()]
    np.testing.assert_allclose([line["vector"] for line in lines], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["index", "texts", "--out", "i", "--lexical-only", "--encoder", "x"], "--lexical-only makes no vectors"),
        (["index", "texts", "--out", "texts"], "texts contains other files, such as 'a.txt'"),
        (["index", "texts", "--out", "i", "--passage-tokens", "3"], "--passage-tokens 3; expected 8"),
        (["index", "texts", "--out", "i", "--on-bad-row", "x"], "unknown value of --on-bad-row 'x'"),
        (["index", "texts", "--out", "i", "--chunk-size", "9"], "did you mean --passage-tokens?"),
        (["index", "text", "--out", "i"], "there is no file or folder 'text'; did you mean 'texts'"),
        (["search", "texts", "x"], "without an index; build one with: lingon index texts --out texts-index"),
        (["search", "lex", "x", "--mode", "vectors"], "lex has no vectors (--lexical-only); take --mode bm25"),
        (["search", "lex", "x", "--mode", "fuzzy"], "unknown mode 'fuzzy'; known: hybrid, bm25, vectors"),
        (["search", "lex", "x", "--filter", "type"], "--filter 'type'; expected FIELD=VALUE"),
        (["search", "lex", "x", "--filter", "a=1", "--filter", "a=2"], "--filter a is given twice"),
        (["search", "lex", "x", "--filter", "kind=md"], "unknown field 'kind'"),
        (["search", "lex", "x", "--top-k", "0"], "--top-k is 0; expected 1 or more"),
        (["search", "lex", "--page", "p.html"], "and one query"),
        (["search", "lex", "x", "--page", "p.pdf"], "ends in .html"),
        (["search", "lex", "x", "--duplicates"], "leave the query"),
        (["search", "lex", "--duplicates", "--threshold", "2"], "--threshold 2.0; expected more than 0"),
        (["search", "lex", "--clusters", "2"], "has no vectors"),
        (["search", "vec", "x", "--encoder", "other"], "was made with the encoder 'minilm-l6'"),
        (["embed", "toy", "x", "--out", "v.txt"], "unknown ending of vectors '.txt'"),
        (["embed", "toy", "x", "--data", "t.csv"], "give texts or --data, not both"),
        (["embed", "toy", "x", "--out", "there.npy"], "already exists"),
        (["embed", "toy", "x", "--text", "c"], "--text is a column of the table"),
    ],
)
def test_slips(run, tmp_path, words, said):
    run("index", "texts", "--out", "lex", "--lexical-only")
    if "vec" in words:
        run("index", "texts", "--out", "vec")
    (tmp_path / "there.npy").touch()
    code, _, err = run(*words)
    assert code == 2, err
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.data
def test_a_published_table_of_vectors_finds_by_meaning(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = ["text", "The car is at the mechanic.", "Bread is baked at home.", "Stars are far away."]
    (tmp_path / "notes.csv").write_text("\n".join(rows))

    def call(*words):
        with pytest.raises(SystemExit) as end:
            main([*words])
        assert end.value.code == 0
        return capsys.readouterr().out

    call("index", "notes.csv", "--out", "idx", "--encoder", "wordllama")
    assert "mechanic" in call("search", "idx", "automobile repair", "--mode", "vectors", "-k", "1")
    assert json.loads((tmp_path / "idx" / "manifest.json").read_text())["encoder"]["source"] == "wordllama"


def test_what_gives_no_vectors_is_told_what_it_does():
    classifier = SimpleNamespace(name="classify")
    with pytest.raises(UserError, match="'runs/x' is a classifier, which gives texts no vectors; try: lingon predict"):
        require(classifier, "embed", "runs/x")
