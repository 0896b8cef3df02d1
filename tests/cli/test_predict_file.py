"""predict --file of a table: its text column is labelled, and the table comes back with what was found."""

import csv
import gzip
import json
from dataclasses import dataclass, field
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lingon.cli.predict import lines_of, tell_blank
from lingon.cli.predict_file import source_of, write_scored
from lingon.cli.prediction_files import TextsFile
from lingon.core.errors import DataError, UserError
from lingon.data.files.lines import FileOptions
from lingon.tasks.classify import Classification


@dataclass
class Counting:
    """Says of each text whether its length is odd, and how sure it is: by the length alone."""

    labels: list[str] = field(default_factory=lambda: ["even", "odd"])
    most: int = 0

    def predict(self, texts):
        self.most = max(self.most, len(texts))
        return [self.one(text) for text in texts]

    def one(self, text):
        odd = len(text) % 7 / 7
        label = "odd" if odd > 0.5 else "even"
        return Classification(text, label, max(odd, 1 - odd), {"even": 1 - odd, "odd": odd})


TEXTS = [f'text {"x" * (i % 13)},\n "quoted" é' for i in range(41)]


def put(folder, kind, rows, name="in"):
    path = folder / f"{name}.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if kind == "tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path


def read(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


def scored(path, out, text=None, how="stop", overwrite=False, model=None):
    return write_scored(model or Counting(), TextsFile.of(path, text, how, FileOptions()), out, overwrite)


@pytest.mark.parametrize("end", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_a_table_comes_back_whole_with_label_probability_and_each_class(tmp_path, kind, end):
    rows = [{"id": i, "review": text, "by": "me" if i % 2 else None} for i, text in enumerate(TEXTS)]
    out = tmp_path / f"out.{end}"
    said = scored(put(tmp_path, kind, rows), out)
    assert "41 rows with label, probability, probability_even, ..." in said
    found = read(out)
    assert list(found[0]) == ["id", "review", "by", "label", "probability", "probability_even", "probability_odd"]
    for before, after in zip(rows, found, strict=True):
        expected = Counting().one(before["review"])
        assert (int(after["id"]), after["review"], after["by"] or None) == (
            before["id"],
            before["review"],
            before["by"],
        )
        assert (after["label"], float(after["probability"])) == (expected.label, expected.probability)
        assert float(after["probability_odd"]) == expected.probabilities["odd"]
        assert float(after["probability_even"]) + float(after["probability_odd"]) == pytest.approx(1)


def test_many_rows_pass_through_in_groups(tmp_path):
    model, count = Counting(), 5003
    path = put(tmp_path, "csv", [{"text": f"t{'x' * (i % 11)}"} for i in range(count)])
    scored(path, tmp_path / "out.parquet", model=model)
    found = read(tmp_path / "out.parquet")
    assert [row["text"] for row in found] == [f"t{'x' * (i % 11)}" for i in range(count)]
    assert model.most == 1024


def test_a_label_that_is_there_already_stays(tmp_path):
    path = put(tmp_path, "csv", [{"text": "xx", "label": "mine"}])
    scored(path, tmp_path / "out.jsonl")
    names = ["text", "label", "predicted_label", "predicted_probability", "predicted_probability_even"]
    (row,) = read(tmp_path / "out.jsonl")
    assert (list(row)[:5], row["label"], row["predicted_label"]) == (names, "mine", "even")
    with pytest.raises(DataError, match="the table has a column 'predicted_label' already; rename it"):
        scored(tmp_path / "out.jsonl", tmp_path / "twice.csv")
    assert not (tmp_path / "twice.csv").exists()


def test_lines_of_text_become_a_table_and_labels_of_fasttext_are_no_text(tmp_path):
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    scored(tmp_path / "a.txt", tmp_path / "a.csv")
    assert [row["text"] for row in read(tmp_path / "a.csv")] == ["one", "two"]
    (tmp_path / "b.txt").write_text("__label__even four\n")
    scored(tmp_path / "b.txt", tmp_path / "b.csv")
    assert [row["text"] for row in read(tmp_path / "b.csv")] == ["four"]


def test_rows_without_a_text_stop_or_are_counted(tmp_path, capsys):
    path = tmp_path / "in.csv"
    path.write_text("id,text\n1,a\n2,\n3,b,c\n4,d\n")
    with pytest.raises(DataError, match=r"in.csv:3: no text in column 'text'; --on-bad-row skip"):
        scored(path, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()
    scored(path, tmp_path / "out.csv", how="skip")
    assert [row["id"] for row in read(tmp_path / "out.csv")] == ["1", "4"]
    assert "2 rows are skipped, without a text or unreadable" in capsys.readouterr().err


def test_a_file_without_a_text_is_told(tmp_path, capsys):
    (tmp_path / "empty.txt").write_text("")
    source = TextsFile.of(tmp_path / "empty.txt", None, "stop", FileOptions())
    assert list(source.rows()) == []
    assert capsys.readouterr().err == f"{tmp_path / 'empty.txt'}: there is no text in it\n"


def test_what_has_no_place_in_a_table_is_kept_or_told(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "a", "more": {"x": [1, NaN]}}\n{"text": "b", "other": 1}\n')
    scored(path, tmp_path / "out.jsonl")
    assert [row.get("more") for row in read(tmp_path / "out.jsonl")] == [{"x": [1, None]}, None]
    scored(path, tmp_path / "out.csv")
    assert [row["more"] for row in read(tmp_path / "out.csv")] == ['{"x": [1, null]}', ""]
    path.write_text("".join(json.dumps({"text": "a", "n": i}) + "\n" for i in range(1024)) + '{"text": "b", "m": 1}\n')
    with pytest.raises(DataError, match=r"a later row has another column, 'm'; write .jsonl"):
        scored(path, tmp_path / "later.csv")
    path.write_text(
        "".join(json.dumps({"text": "a", "n": i}) + "\n" for i in range(1024)) + '{"text": "b", "n": "x"}\n'
    )
    with pytest.raises(DataError, match=r"values of one column are of several types .*; write .jsonl"):
        scored(path, tmp_path / "later.parquet")
    assert not list(tmp_path.glob("later.*"))


def test_files_are_never_replaced_unasked(tmp_path):
    path = put(tmp_path, "csv", [{"text": "a"}])
    for out, message in [
        (path, "is the input file; write to another name"),
        (tmp_path / "out.xlsx", "unknown ending of a table '.xlsx'; known: .csv"),
        (put(tmp_path, "csv", [{"text": "old"}], "old"), "already exists; .* --overwrite"),
    ]:
        with pytest.raises(UserError, match=message):
            scored(path, out)
    scored(path, tmp_path / "old.csv", overwrite=True)
    assert read(tmp_path / "old.csv")[0]["text"] == "a"


def test_lines_of_plain_text_in_any_encoding(tmp_path):
    (tmp_path / "a.txt").write_bytes("é\r\rü\r".encode("cp1252"))
    assert list(lines_of(tmp_path / "a.txt", FileOptions("cp1252"))) == ["é", "", "ü"]
    with pytest.raises(DataError, match=r"a.txt:1: not UTF-8 .*--encoding"):
        list(lines_of(tmp_path / "a.txt"))
    with pytest.raises(UserError, match=r"--text 'body': .* is not a table"):
        TextsFile.of(tmp_path / "a.txt", "body", "stop", FileOptions("cp1252"))


def test_the_command_reads_tables_and_writes_them_back(trained):
    from tests.cli.conftest import lingon

    def run(*flags):
        return lingon("predict", "runs/classify", "--file", "mine.csv", *flags, cwd=trained)

    done = run("--out", "scored.csv")
    assert done.returncode == 0, done.stderr
    assert "texts from column 'review'" in done.stderr
    rows, before = read(trained / "scored.csv"), read(trained / "mine.csv")
    assert [{name: row[name] for name in ("id", "review", "stars")} for row in rows] == before
    assert sum(row["label"] == row["stars"] for row in rows) > 0.8 * len(rows)
    printed = run("--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["text"] for line in printed] == [row["review"] for row in before]
    assert [json.loads(line)["label"] for line in printed] == [row["label"] for row in rows]
    twice = run("--text", "review", "--text", "id")
    assert twice.returncode == 2
    assert "--text is given 2 times (review, id); the second text of a pair is --text-pair" in twice.stderr
    assert (
        "--out writes the table of --file back"
        in lingon("predict", "runs/classify", "--out", "x.csv", cwd=trained).stderr
    )


def test_sentences_in_columns_are_read_packed_too_and_broken_ones_are_named(tmp_path, capsys):
    path = tmp_path / "a.conll.gz"
    path.write_bytes(gzip.compress(b"Ann\tB-person\nsang\tO\n\nBob\n\nEve\tO\n"))
    task = SimpleNamespace(name="parse")
    with pytest.raises(DataError, match=r"a.conll.gz:4: 'Bob' has 1 column where other lines have 2; --on-bad-row"):
        list(source_of(task, path, None, "stop", FileOptions(), None).rows())
    found = list(source_of(task, path, None, "skip", FileOptions(), None).rows())
    assert [words for words, _ in found] == [["Ann", "sang"], ["Eve"]]
    assert "a.conll.gz: bad sentences skipped: 1, the first: " in capsys.readouterr().err


def test_a_blank_text_is_predicted_and_said(capsys):
    tell_blank(["a", " ", ""])
    assert capsys.readouterr().err.splitlines() == [
        f"text {number} is blank; what is predicted for it means nothing" for number in (2, 3)
    ]
    tell_blank(None)
    assert not capsys.readouterr().err


class Listing(Counting):
    """Predictions with a list among their fields."""

    def predict(self, inputs):
        return [SimpleNamespace(row=lambda text=text: {"text": text, "labels": text.split()}) for text in inputs]


@pytest.mark.parametrize(("end", "expected"), [("jsonl", ["a", "b"]), ("csv", "a|b"), ("parquet", "a|b")])
def test_a_list_stays_a_list_in_jsonl(tmp_path, end, expected):
    said = scored(put(tmp_path, "csv", [{"text": "a b"}]), tmp_path / f"out.{end}", model=Listing())
    assert read(tmp_path / f"out.{end}")[0]["labels"] == expected
    assert said.endswith("1 row with labels")
