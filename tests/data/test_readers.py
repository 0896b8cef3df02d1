"""A user's own files, good and bad: the same examples from every format, and an error that names the line."""

import csv
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lingon.core.errors import DataError, UserError
from lingon.data import formats
from lingon.data.readers import label_text, read_examples

TEXTS = ["Grün, and\nin two lines", 'with "quotes", twice', "plain 😀", "a tab\there", "five"]
LABELS = ["good", "bad", "good", "bad", "so so"]
ROWS = [{"id": str(i), "review": t, "label": x} for i, (t, x) in enumerate(zip(TEXTS, LABELS, strict=True))]


def as_csv(separator=",", end="\r\n"):
    out = io.StringIO()
    writer = csv.DictWriter(out, ["id", "review", "label"], delimiter=separator, lineterminator=end)
    writer.writeheader()
    writer.writerows(ROWS)
    return out.getvalue().encode()


def as_parquet():
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), out)
    return out.getvalue()


JSONL = "\n".join(json.dumps(r) for r in ROWS).encode()
FILES = {
    "it.csv": as_csv(),
    "unix.csv": as_csv(end="\n"),
    "mark.csv": b"\xef\xbb\xbf" + as_csv(),
    "semicolon.csv": as_csv(";"),
    "it.tsv": as_csv("\t"),
    "it.jsonl": JSONL,
    "crlf.jsonl": JSONL.replace(b"\n", b"\r\n\r\n"),
    "it.ndjson": JSONL + b"\n",
    "it.json": json.dumps(ROWS, indent=1).encode(),
    "mark.json": b"\xef\xbb\xbf" + json.dumps(ROWS).encode(),
    "lines.json": JSONL,
    "it.parquet": as_parquet(),
}


def put(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_examples(tmp_path, name, packed):
    data, name = (gzip.compress(FILES[name]), name + ".gz") if packed else (FILES[name], name)
    examples, report = read_examples(put(tmp_path, name, data))
    assert (examples.texts, examples.labels) == (TEXTS, LABELS)
    assert (report.text, report.label, report.skipped) == ("review", "label", 0)
    assert "texts from column 'review', labels from column 'label'" in report.said[0]


def test_a_folder_per_class(tmp_path):
    for label, text in (("spam", "buy"), ("ham", "hello\nyou"), ("spam", "now")):
        (tmp_path / label).mkdir(exist_ok=True)
        (tmp_path / label / f"{text[:3]}.txt").write_text(text)
    examples, _ = read_examples(tmp_path)
    assert list(zip(examples.labels, examples.texts, strict=True)) == [
        ("ham", "hello\nyou"),
        ("spam", "buy"),
        ("spam", "now"),
    ]
    put(tmp_path, "spam/odd.txt", b"line\n\xff")
    with pytest.raises(DataError, match=r"spam/odd.txt:2: not UTF-8"):
        read_examples(tmp_path)
    assert read_examples(tmp_path, on_bad_row="skip")[1].skipped == 1


def test_lines_of_fasttext(tmp_path):
    path = put(tmp_path, "it.txt", "__label__good A film.\n\n__label__bad No film.\n")
    assert read_examples(path)[0].texts == ["A film.", "No film."]
    with pytest.raises(DataError, match=r"it.txt:2: no label; expected a line such as: __label__"):
        read_examples(put(tmp_path, "it.txt", "__label__good A film.\nNo film.\n"))


@pytest.mark.parametrize("value", [3, 3.0, "3", "3.0", " 3 "])
def test_numbers_are_one_label_however_they_are_written(value):
    assert label_text(value) == "3"


def test_other_labels():
    assert [label_text(v) for v in (True, False, 2.5, "", "  ", None, float("nan"))] == [
        "true",
        "false",
        "2.5",
        *[None] * 4,
    ]


# name, content, and the message that names the line
BAD = [
    ("a.csv", "text,label\ngood,1\nbad\n", ":3: 1 cells, expected 2"),
    ("a.csv", "text,label\ngood,1\nbad,really,0\n", ":3: 3 cells, expected 2"),
    ("a.csv", "text,label\n\"two\nlines\",1\nx,\n", ":4: no label in column 'label'"),
    ("a.csv", "text,label\ngood,1\n  ,0\n", ":3: no text in column 'text'"),
    ("a.csv", 'text,label\ngood,1\n"never closed,0\nx,1\n', r":3: .*lines 3 to 4.*quote not closed"),
    ("a.csv", 'text,label\ngood,1\n"a "word" here",0\n', ":3: .*is a quote not closed"),
    ("a.csv", b"text,label\ngood,1\ncaf\xe9,0\n", r":3: not UTF-8 \(byte 0xe9, place 4\)"),
    ("a.csv", b"text,label\ngood,1\nn\0ul,0\n", ":3: not text"),
    ("a.tsv", "text\tlabel\ngood\t1\nbad\n", ":3: 1 cells, expected 2"),
    ("a.jsonl", '{"text": "x", "label": 1}\n{"text": "y", "la', ":2: not JSON .*cut short"),
    ("a.jsonl", '{"text": "x", "label": 1}\n\n["y", 2]\n', ":3: a list, expected an object"),
    ("a.jsonl", '{"text": "x", "label": 1}\n{"text": "y"}\n', ":2: no label in column 'label'"),
    ("a.jsonl", '{"text": "x", "label": 1}\n{"text": ["y"], "label": 1}\n', ":2: no text in column 'text'"),
    ("a.jsonl", '{"text": "x", "label": 1}\n{"text": "\\ud83d", "label": 1}\n', ":2: half a character"),
    ("a.jsonl", '{"text": "x", "label": 1}\n' + "[" * 100_000, ":2: not JSON"),
    ("a.jsonl", '{"text": "x", "label": 1}\n{"text": "y", "label": ' + "7" * 5000 + "}", ":2: not JSON"),
    ("a.jsonl", b'{"text": "x", "label": 1}\n{"text": "\xff", "label": 1}\n', ":2: not UTF-8"),
    ("a.json", '[{"text": "x", "label": 1}, {"text": "y", "label": null}]', ": item 2: no label"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "message"), BAD)
def test_a_bad_row_is_named_or_counted(tmp_path, name, data, message):
    path = put(tmp_path, name, data)
    with pytest.raises(DataError, match=name + message) as caught:
        read_examples(path)
    assert "--on-bad-row skip" in str(caught.value)
    examples, report = read_examples(path, on_bad_row="skip")
    assert examples.texts[0] in ("good", "x", "two\nlines")
    assert report.skipped == 1
    assert f"{name}: 1 bad rows skipped, the first: {path}" in report.said[-1]


def test_rows_after_a_bad_one_are_read(tmp_path):
    rows = ["text,label", "a,1", b"\xff,0", "b,1", '"x "y" z",1', "c,0", "d"]
    path = put(tmp_path, "a.csv", b"\n".join(r if isinstance(r, bytes) else r.encode() for r in rows))
    examples, report = read_examples(path, on_bad_row="skip")
    assert (examples.texts, report.skipped) == (["a", "b", "c"], 3)


# What no skipping can mend.
BROKEN = [
    ("a.csv", b"", "a.csv: the file is empty"),
    ("a.csv", b"\n\n", "a.csv: the file is empty"),
    ("a.csv", b"text,label\n", "a.csv: holds no rows"),
    ("a.csv", b"text,text,label\nx,y,1\n", "a.csv:1: two columns have the name 'text'"),
    ("a.csv", b"PK\x03\x04\0\0\0\0", "a.csv:1: not a text file"),
    ("a.csv", "text,label\nx,1\n".encode("utf-16"), "a.csv:1: UTF-16 text; save the file as UTF-8"),
    ("a.csv.gz", gzip.compress(FILES["it.csv"] * 99, mtime=0)[:80], r"a.csv.gz:\d+: cut short or damaged"),
    ("a.csv.gz", b"text,label\nx,1\n", "a.csv.gz:1: cut short or damaged"),
    ("a.json.gz", gzip.compress(FILES["it.json"], mtime=0)[:80], "a.json.gz: cut short or damaged"),
    ("a.json", b'[{"text": "x",\n "label": 1},\n', "a.json:3: not JSON .*cut short"),
    ("a.json", b"[" * 100_000, "a.json:1: not JSON"),
    ("a.json", b'{"text": ["x"]}', "a.json: a JSON dict, expected a list of objects"),
    ("a.json", b"[]", "a.json: holds no rows"),
    ("a.jsonl", b"\n", "a.jsonl: holds no rows"),
    ("a.jsonl", b"word\n", "a.jsonl:1: not JSON"),
    ("a.parquet", as_parquet()[:-7], "a.parquet: cannot be read as parquet after row 0; is it whole"),
    ("a.parquet", as_parquet()[:20], "a.parquet: cannot be read as parquet"),
    ("a.parquet", b"text,label\n", "a.parquet: cannot be read as parquet"),
    ("a.parquet.gz", gzip.compress(as_parquet(), mtime=0)[:99], "a.parquet.gz: cannot be read as parquet"),
    ("a.docx", b"x", r"a.docx: ends in '.docx'; .*\.csv"),
    ("noending", b"x", "noending: ends in ''"),
]


@pytest.mark.parametrize("how", ["stop", "skip"])
@pytest.mark.parametrize(("name", "data", "message"), BROKEN)
def test_a_broken_file_is_refused(tmp_path, name, data, message, how):
    with pytest.raises(DataError, match=message):
        read_examples(put(tmp_path, name, data), on_bad_row=how)


def test_a_damaged_page_of_parquet_is_refused(tmp_path):
    data = bytearray(as_parquet())
    data[4:60] = b"\xff" * 56
    with pytest.raises(DataError, match="cannot be read as parquet"):
        read_examples(put(tmp_path, "a.parquet", bytes(data)))


def test_a_line_of_ten_megabytes_is_read_and_a_longer_one_than_allowed_is_refused(tmp_path, monkeypatch):
    long = "long " * (2 << 20)
    path = put(tmp_path, "a.csv", f"text,label\n{long},1\nx,2\n")
    assert read_examples(path)[0].texts == [long, "x"]
    assert read_examples(put(tmp_path, "a.jsonl", json.dumps({"text": long, "label": 1})))[0].texts == [long]
    monkeypatch.setattr(formats, "MOST_LINE", 1 << 20)
    with pytest.raises(DataError, match=r"a.csv:2: a line of more than 1,048,576 bytes"):
        read_examples(path, on_bad_row="skip")


def test_an_unknown_label_is_a_bad_row(tmp_path):
    path = put(tmp_path, "a.csv", "text,label\nx,good\ny,goood\n")
    with pytest.raises(DataError, match=r"a.csv:3: unknown label 'goood'; did you mean 'good'\?"):
        read_examples(path, known={"good", "bad"})
    assert read_examples(path, on_bad_row="skip", known={"good": 1})[1].skipped == 1


def test_a_file_that_is_not_there(tmp_path):
    put(tmp_path, "reviews.csv", "x")
    with pytest.raises(UserError, match=r"there is no file .*did you mean 'reviews.csv'\?"):
        read_examples(tmp_path / "review.csv")
    with pytest.raises(DataError, match="expected a folder per class"):
        read_examples(tmp_path)
    with pytest.raises(UserError, match="unknown value of on_bad_row 'skp'; did you mean 'skip'"):
        read_examples(tmp_path / "reviews.csv", on_bad_row="skp")


def columns(tmp_path, header, *rows, **given):
    path = put(tmp_path, "a.csv", "\n".join([header, *rows]) + "\n")
    _, report = read_examples(path, **given)
    return report


LONG = [f"a text that is clearly longer than its label {i},{i % 2}" for i in range(7)]


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("text,label", "x,1", ("text", "label")),
        ("title,text,label", "t,x,1", ("text", "label")),
        ("Review Text,Star Rating,Id", "x,1,2", ("Review Text", "Star Rating")),
        ("reviewText,review_id,sentiment", "x,1,2", ("reviewText", "sentiment")),
        ("stars,comment", "1,x", ("comment", "stars")),
    ],
)
def test_columns_with_usual_names_are_found(tmp_path, header, row, expected):
    report = columns(tmp_path, header, row)
    assert (report.text, report.label) == expected


def test_of_two_columns_the_longer_is_the_text(tmp_path):
    report = columns(tmp_path, "was gesagt wurde,wie", *LONG)
    assert (report.text, report.label) == ("was gesagt wurde", "wie")
    assert "'was gesagt wurde'" in report.said[0]


def test_given_columns_are_not_said(tmp_path):
    assert columns(tmp_path, "text,label,score", "x,1,2", text="text", label="score").said == []


@pytest.mark.parametrize(
    ("header", "rows", "given", "message"),
    [
        ("a,b,c", ["x,y,1"], {}, "give --text and --label, columns: 'a', 'b', 'c'"),
        ("review,a,b", ["x,y,1"], {}, "give --label, columns"),
        ("title,body,label", ["x,y,1"], {}, "give --text, columns"),
        ("text,stars,topic", ["x,y,1"], {}, "give --label, columns"),
        ("a,b", ["xx,yyy", "zz,www"], {}, "give --text and --label"),
        ("text,label", ["x,1"], {"text": "txt"}, "there is no column 'txt' for --text; did you mean 'text'"),
        ("text,label", ["x,1"], {"label": "text", "text": "text"}, "name the same column 'text'"),
        ("The first text of all is here,0", LONG, {}, "a.csv:1: .* do not look like column names"),
    ],
)
def test_what_is_not_obvious_is_refused(tmp_path, header, rows, given, message):
    with pytest.raises(UserError, match=message):
        columns(tmp_path, header, *rows, **given)
