"""A user's own files, good and bad: the same examples from every format, and an error that names the line."""

import csv
import gzip
import io
import json
import lzma
from datetime import date, datetime
from decimal import Decimal
from time import process_time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.files import lines as reading
from lingon.data.files.labelled_texts import label_text, read_labelled_texts
from lingon.data.files.lines import FileOptions
from lingon.data.files.parquet import record_batches

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
    examples, report = read_labelled_texts(put(tmp_path, name, data))
    assert (examples.texts, examples.labels) == (TEXTS, LABELS)
    assert (report.text, report.label, report.skipped) == ("review", "label", 0)
    assert "texts from column 'review', labels from column 'label'" in report.messages[0]


def test_a_folder_per_class(tmp_path):
    for label, text in (("spam", "buy"), ("ham", "hello\nyou"), ("spam", "now")):
        (tmp_path / label).mkdir(exist_ok=True)
        (tmp_path / label / f"{text[:3]}.txt").write_text(text)
    examples, _ = read_labelled_texts(tmp_path)
    assert list(zip(examples.labels, examples.texts, strict=True)) == [
        ("ham", "hello\nyou"),
        ("spam", "buy"),
        ("spam", "now"),
    ]
    put(tmp_path, "spam/odd.txt", b"line\n\xff")
    with pytest.raises(DataError, match=r"spam/odd.txt:2: not UTF-8"):
        read_labelled_texts(tmp_path)
    assert read_labelled_texts(tmp_path, on_bad_row="skip")[1].skipped == 1


def test_lines_of_fasttext(tmp_path):
    path = put(tmp_path, "it.txt", "__label__good A film.\n\n__label__bad No film.\n")
    assert read_labelled_texts(path)[0].texts == ["A film.", "No film."]
    with pytest.raises(DataError, match=r"it.txt:2: no label; expected a line such as: __label__"):
        read_labelled_texts(put(tmp_path, "it.txt", "__label__good A film.\nNo film.\n"))


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
    ("a.csv", "text,label\ngood,1\nbad\n", ":3: 1 cell, expected 2"),
    ("a.csv", "text,label\ngood,1\nbad,really,0\n", ":3: 3 cells, expected 2"),
    ("a.csv", "text,label\ngood,1\n text ,label\n", ":3: the names of the columns again"),
    ("a.csv", ",text,label\n0,good,1\n,text,label\n", ":3: the names of the columns again"),
    ("a.csv", "text,label\n\"two\nlines\",1\nx,\n", ":4: no label in column 'label'"),
    ("a.csv", "text,label\ngood,1\n  ,0\n", ":3: no text in column 'text'"),
    ("a.csv", 'text,label\ngood,1\n"never closed,0\nx,1\n', r":3: .*lines 3 to 4.*quote not closed"),
    ("a.csv", 'text,label\ngood,1\n"a "word" here",0\n', ":3: .*is a quote not closed"),
    ("a.csv", b"text,label\ngood,1\ncaf\xe9,0\n", r":3: not UTF-8 \(byte 0xe9, place 4\)"),
    ("a.csv", b"text,label\ngood,1\nn\0ul,0\n", ":3: not text"),
    ("a.tsv", "text\tlabel\ngood\t1\nbad\n", ":3: 1 cell, expected 2"),
    ("a.jsonl", '{"text": "x", "label": 1}\n{"text": "y", "la', ":2: not JSON .*truncated"),
    ("a.jsonl", '{"text": "x", "label": 1}\n\n["y", 2]\n', ":3: a list, expected an object"),
    ("a.jsonl", '{"text": "x", "label": 1}\n{"text": "y"}\n', ":2: no label in column 'label'"),
    ("a.jsonl", '{"text": "x", "label": 1}\n{"text": ["y"], "label": 1}\n', ":2: no text in column 'text'"),
    ("a.jsonl", '{"text": "x", "label": 1}\n{"text": "\\ud83d", "label": 1}\n', ":2: a lone surrogate"),
    ("a.jsonl", '{"text": "x", "label": 1}\n' + "[" * 100_000, ":2: not JSON"),
    ("a.jsonl", '{"text": "x", "label": 1}\n{"text": "y", "label": ' + "7" * 5000 + "}", ":2: not JSON"),
    ("a.jsonl", b'{"text": "x", "label": 1}\n{"text": "\xff", "label": 1}\n', ":2: not UTF-8"),
    ("a.json", '[{"text": "x", "label": 1}, {"text": "y", "label": null}]', ": item 2: no label"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "message"), BAD)
def test_a_bad_row_is_named_or_counted(tmp_path, name, data, message):
    path = put(tmp_path, name, data)
    with pytest.raises(DataError, match=name + message) as caught:
        read_labelled_texts(path)
    assert "--on-bad-row skip" in str(caught.value)
    examples, report = read_labelled_texts(path, on_bad_row="skip")
    assert examples.texts[0] in ("good", "x", "two\nlines")
    assert report.skipped == 1
    assert f"{name}: 1 bad row skipped, the first: {path}" in report.messages[-1]


def test_rows_after_a_bad_one_are_read(tmp_path):
    rows = ["text,label", "a,1", b"\xff,0", "b,1", '"x "y" z",1', "c,0", "d"]
    path = put(tmp_path, "a.csv", b"\n".join(r if isinstance(r, bytes) else r.encode() for r in rows))
    examples, report = read_labelled_texts(path, on_bad_row="skip")
    assert (examples.texts, report.skipped) == (["a", "b", "c"], 3)


# What no skipping can mend.
BROKEN = [
    ("a.csv", b"", "a.csv: the file is empty"),
    ("a.csv", b"\n\n", "a.csv: the file is empty"),
    ("a.csv", b"text,label\n", "a.csv: holds no rows"),
    ("a.csv", b"text,text,label\nx,y,1\n", "a.csv:1: two columns have the name 'text'; rename one"),
    ("a.csv", b"PK\x03\x04\0\0\0\0", "a.csv:1: not a text file"),
    ("a.csv", "text,label\nx,1\n".encode("utf-16"), "a.csv:1: UTF-16 text; save the file as UTF-8"),
    ("a.csv.gz", gzip.compress(FILES["it.csv"] * 99, mtime=0)[:80], r"a.csv.gz:\d+: truncated or damaged"),
    ("a.csv.gz", b"text,label\nx,1\n", "a.csv.gz:1: truncated or damaged"),
    ("a.json.gz", gzip.compress(FILES["it.json"], mtime=0)[:80], "a.json.gz: truncated or damaged"),
    ("a.json", b'[{"text": "x",\n "label": 1},\n', "a.json:3: not JSON .*truncated"),
    ("a.json", b"[" * 100_000, "a.json:1: not JSON"),
    ("a.json", b'{"text": ["x"]}', "a.json: a JSON dict, expected a list of objects"),
    ("a.json", b"[]", "a.json: holds no rows"),
    ("a.jsonl", b"\n", "a.jsonl: holds no rows"),
    ("a.jsonl", b"word\n", "a.jsonl:1: not JSON"),
    ("a.parquet", as_parquet()[:-7], "a.parquet: cannot be read as parquet after row 0; is it whole"),
    ("a.parquet", as_parquet()[:20], "a.parquet: cannot be read as parquet"),
    ("a.parquet", b"text,label\n", "a.parquet: cannot be read as parquet"),
    ("a.parquet.gz", gzip.compress(as_parquet(), mtime=0)[:99], "a.parquet.gz: truncated or damaged"),
    ("a.docx", b"x", r"a.docx: ends in '.docx'; .*\.csv"),
    ("noending", b"x", "noending: ends in ''"),
]


@pytest.mark.parametrize("how", ["stop", "skip"])
@pytest.mark.parametrize(("name", "data", "message"), BROKEN)
def test_a_broken_file_is_refused(tmp_path, name, data, message, how):
    with pytest.raises(DataError, match=message):
        read_labelled_texts(put(tmp_path, name, data), on_bad_row=how)


def test_a_damaged_page_of_parquet_is_refused(tmp_path):
    data = bytearray(as_parquet())
    data[4:60] = b"\xff" * 56
    with pytest.raises(DataError, match="cannot be read as parquet"):
        read_labelled_texts(put(tmp_path, "a.parquet", bytes(data)))


def test_a_line_of_ten_megabytes_is_read_and_a_longer_one_than_allowed_is_refused(tmp_path, monkeypatch):
    long = "long " * (2 << 20)
    path = put(tmp_path, "a.csv", f"text,label\n{long},1\nx,2\n")
    assert read_labelled_texts(path)[0].texts == [long, "x"]
    assert read_labelled_texts(put(tmp_path, "a.jsonl", json.dumps({"text": long, "label": 1})))[0].texts == [long]
    monkeypatch.setattr(reading, "MOST_LINE", 1 << 20)
    with pytest.raises(DataError, match=r"a.csv:2: a line of more than 1,048,576 bytes"):
        read_labelled_texts(path, on_bad_row="skip")


def test_an_unknown_label_is_a_bad_row(tmp_path):
    path = put(tmp_path, "a.csv", "text,label\nx,good\ny,goood\n")
    with pytest.raises(DataError, match=r"a.csv:3: unknown label 'goood'; did you mean 'good'\?"):
        read_labelled_texts(path, known={"good", "bad"})
    assert read_labelled_texts(path, on_bad_row="skip", known={"good": 1})[1].skipped == 1


def test_a_file_that_is_not_there(tmp_path):
    put(tmp_path, "reviews.csv", "x")
    with pytest.raises(UserError, match=r"there is no file .*did you mean 'reviews.csv'\?"):
        read_labelled_texts(tmp_path / "review.csv")
    with pytest.raises(DataError, match=r"no folder with texts or images; expected .*spam/1\.txt or .*cat/1\.png"):
        read_labelled_texts(tmp_path)
    with pytest.raises(UserError, match="unknown value of on_bad_row 'skp'; did you mean 'skip'"):
        read_labelled_texts(tmp_path / "reviews.csv", on_bad_row="skp")


def columns(tmp_path, header, *rows, **given):
    path = put(tmp_path, "a.csv", "\n".join([header, *rows]) + "\n")
    _, report = read_labelled_texts(path, **given)
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
    assert "'was gesagt wurde'" in report.messages[0]


def test_given_columns_are_not_said(tmp_path):
    assert columns(tmp_path, "text,label,score", "x,1,2", text="text", label="score").messages == []


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


def swallowing(separator, first='"The song was dull'):
    """Ten rows, of which the fourth opens a quote that the seventh closes."""
    texts = [f"row {i}" for i in range(10)]
    texts[3], texts[6] = first, 'they said "so"'
    lines = [f"text{separator}label", *(f"{t}{separator}{'good' if i % 2 else 'poor'}" for i, t in enumerate(texts))]
    lines[7] = f'she said so"{separator}poor'
    return "\n".join(lines) + "\n"


def test_quotes_of_tsv_are_characters_unless_the_file_shows_otherwise(tmp_path):
    examples, _ = read_labelled_texts(put(tmp_path, "a.tsv", swallowing("\t")))
    assert len(examples) == 10
    assert (examples.texts[3], examples.texts[6]) == ('"The song was dull', 'she said so"')
    assert examples.labels == ["poor", "good"] * 5
    # The other way round it is proved: by a header in quotes, doubled quotes, or a tab or line end that they hold.
    for data in [
        '"text"\t"label"\n"a"\tx\n',
        'text\tlabel\n"a"\tx\n"say ""b"""\ty\n',
        'text\tlabel\n"a"\tx\n"b\n"\ty\n',
    ]:
        assert read_labelled_texts(put(tmp_path, "b.tsv", data))[0].texts[0] == "a"
    assert read_labelled_texts(put(tmp_path, "c.tsv", 'text\tlabel\n"a"\tx\nb\ty\n'))[0].texts == ['"a"', "b"]


@pytest.mark.parametrize("separator", [";", ",", "|"])
def test_rows_that_a_quote_takes_in_are_told_and_only_its_own_is_lost(tmp_path, separator):
    path = put(tmp_path, "a.csv", swallowing(separator))
    with pytest.raises(DataError, match=r"a.csv:5: a quote opens in this line and closes in line 8, so that 4 rows"):
        read_labelled_texts(path)
    examples, report = read_labelled_texts(path, on_bad_row="skip")
    # The eighth line ends with a quote: after a broken cell it may be the end of one.
    assert (len(examples), report.skipped) == (9, 1)
    assert [t for t in examples.texts if "row" in t] == [f"row {i}" for i in range(10) if i not in (3, 6)]
    examples, report = read_labelled_texts(path, options=FileOptions(quoting="none"))
    assert (len(examples), report.skipped, examples.texts[3]) == (10, 0, '"The song was dull')
    assert len(read_labelled_texts(path, options=FileOptions(quoting="minimal"))[0]) == 7


def test_a_quote_that_is_never_closed_costs_one_row(tmp_path):
    rows = [f"{chr(34) * (i == 2)}t{i},{i % 2}\n" for i in range(50)]
    path = put(tmp_path, "a.csv", "text,label\n" + "".join(rows))
    examples, report = read_labelled_texts(path, on_bad_row="skip")
    assert (examples.texts, report.skipped) == ([f"t{i}" for i in range(50) if i != 2], 1)
    assert "a.csv:4:" in report.first_skipped
    assert "lines 4 to 51" in report.first_skipped


def test_a_text_of_several_lines_stays_one_text(tmp_path):
    rows = [("Dear, all\nBye", "good"), ("one\ntwo, three\nfour", "bad"), ("plain", "good"), ("so, so", "bad")]
    out = io.StringIO()
    csv.writer(out).writerows([("text", "label"), *rows])
    examples, _ = read_labelled_texts(put(tmp_path, "a.csv", out.getvalue()))
    assert list(zip(examples.texts, examples.labels, strict=True)) == rows


def test_the_end_of_a_broken_cell_is_no_row(tmp_path):
    data = 'text,label\na,1\n"first\nsecond "quoted" more\nthird",1\nb,2\n'
    examples, report = read_labelled_texts(put(tmp_path, "a.csv", data), on_bad_row="skip")
    assert (examples.texts, report.skipped) == (["a", "b"], 3)


def test_line_ends_of_an_old_macintosh_and_the_first_line_of_excel(tmp_path):
    for data in (as_csv(end="\r"), b"sep=;\r\n" + as_csv(";"), b"\xef\xbb\xbfsep=|\n" + as_csv("|")):
        found = read_labelled_texts(put(tmp_path, "a.csv", data.replace(b"and\nin", b"and in")))[0]
        assert (found.texts[1:], found.labels) == (TEXTS[1:], LABELS)
    with pytest.raises(DataError, match=r"a.csv:1: a line end \(a carriage return\) in the middle of a line"):
        read_labelled_texts(put(tmp_path, "a.csv", "text\r,label\nx,1\n"))


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-16", "Grün, 日本"), ("utf-16-le", "Grün"), ("cp1252", "café €"), ("shift_jis", "日本語"), ("cp1251", "да")],
)
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.csv.gz", "a.tsv", "a.txt"])
def test_encodings(tmp_path, encoding, text, name):
    rows = [{"text": text, "label": x} for x in "xy"]
    kind, out = name.split(".")[1], io.StringIO()
    if kind in ("csv", "tsv"):
        writer = csv.writer(out, delimiter="\t" if kind == "tsv" else ",")
        writer.writerows([("text", "label"), *((text, x) for x in "xy")])
    else:
        out.write(json.dumps(rows, ensure_ascii=False) if kind == "json" else "")
        out.write("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows) if kind == "jsonl" else "")
        out.write("".join(f"__label__{x} {text}\n" for x in "xy") if kind == "txt" else "")
    data = out.getvalue().encode(encoding)
    path = put(tmp_path, name, gzip.compress(data) if name.endswith(".gz") else data)
    examples, _ = read_labelled_texts(path, options=FileOptions(encoding))
    assert (examples.texts, examples.labels) == ([text, text], ["x", "y"])


def test_another_encoding_than_the_one_given_is_told_with_its_line(tmp_path):
    path = put(tmp_path, "a.csv", b"text,label\ngood,1\n\x81,2\n")
    with pytest.raises(DataError, match=r"a.csv:3: not cp1252; give the right --encoding"):
        read_labelled_texts(path, options=FileOptions("cp1252"))
    with pytest.raises(DataError, match=r"a.csv:3: not UTF-8 .*--encoding cp1252"):
        read_labelled_texts(path)
    for wrong in ("utf-9", "rot13", "zip"):
        with pytest.raises(UserError, match=f"--encoding '{wrong}' is not an encoding"):
            FileOptions(wrong)
    with pytest.raises(UserError, match="unknown value of --quoting 'non'; did you mean 'none'"):
        FileOptions(quoting="non")


def test_lines_of_fasttext_have_one_label_anywhere_and_white_space_around_it(tmp_path):
    lines = ["__label__a\tone", "two  words __label__b", "__label__c, three", "in the __label__a middle"]
    examples, _ = read_labelled_texts(put(tmp_path, "a.txt", "\n".join(lines)))
    assert (examples.texts, examples.labels) == (["one", "two  words", "three", "in the middle"], ["a", "b", "c", "a"])
    for line, message in [
        ("__label__a,two", "a.txt:1: label 'a,two': ',' does not end a label; put a space after it"),
        ("__label__ two", "a.txt:1: no label"),
    ]:
        with pytest.raises(DataError, match=message):
            read_labelled_texts(put(tmp_path, "a.txt", line))


def parquet_of(tmp_path, table, name="a.parquet", **how):
    pq.write_table(table, tmp_path / name, **how)
    return tmp_path / name


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([Decimal("1.0"), Decimal("2.0")], pa.decimal128(3, 1), ["1", "2"]),
        ([Decimal("1.5"), Decimal("-20.25")], pa.decimal128(9, 2), ["1.50", "-20.25"]),
        ([date(2020, 1, 31), date(1969, 2, 28)], pa.date32(), ["2020-01-31", "1969-02-28"]),
        ([datetime(2020, 1, 31, 7), datetime(2020, 1, 31, 8)], pa.timestamp("us"), ["2020-01-31 07:00:00"] * 0),
        ([b"good", "böse".encode()], pa.binary(), ["good", "böse"]),
        ([True, False], pa.bool_(), ["true", "false"]),
        ([3.0, 2.5], pa.float64(), ["3", "2.5"]),
    ],
)
def test_labels_of_parquet_are_what_they_say(tmp_path, values, kind, expected):
    table = pa.table({"text": pa.array([b"x", b"y"], pa.binary()), "label": pa.array(values, kind)})
    examples, _ = read_labelled_texts(parquet_of(tmp_path, table))
    assert examples.texts == ["x", "y"]
    assert examples.labels == (expected or [str(value) for value in values])


def test_true_is_one_label_in_every_format(tmp_path):
    files = {"a.csv": "text,label\nx,True\ny,FALSE\n", "a.jsonl": '{"text": "x", "label": true}\n'}
    assert read_labelled_texts(put(tmp_path, "a.csv", files["a.csv"]))[0].labels == ["true", "false"]
    assert read_labelled_texts(put(tmp_path, "a.jsonl", files["a.jsonl"]))[0].labels == ["true"]


def test_two_columns_of_one_name_are_refused_in_every_format(tmp_path):
    table = pa.Table.from_arrays([pa.array(["x"]), pa.array(["1"]), pa.array(["2"])], ["text", "label", "label"])
    for path in [
        parquet_of(tmp_path, table),
        put(tmp_path, "a.csv", "text,label, label\nx,1,2\n"),
        put(tmp_path, "a.tsv", "text\tlabel\tlabel\nx\t1\t2\n"),
    ]:
        with pytest.raises(DataError, match=r"two columns have the name 'label'"):
            read_labelled_texts(path, on_bad_row="skip")
    for name, data in [
        ("a.jsonl", '{"text": "x", "label": 1}\n{"text": "x", "label": 1, "label": 2}'),
        ("a.json", '[{"text": "x", "label": 1}, {"text": "x", "label": 1, "label": 2}]'),
    ]:
        with pytest.raises(DataError, match=r": the key 'label' comes twice; --on-bad-row"):
            read_labelled_texts(put(tmp_path, name, data))


def test_columns_without_a_name_get_their_number(tmp_path):
    path = put(tmp_path, "a.csv", ",text,,label\n0,x,u,1\n1,y,v,2\n")
    assert read_labelled_texts(path, label="Unnamed: 2")[0].labels == ["u", "v"]


def test_several_texts_and_columns_that_say_yes_or_no_are_told_as_such(tmp_path):
    path = put(tmp_path, "a.jsonl", '{"text": ["x", "y"], "label": "a"}\n')
    with pytest.raises(DataError, match=r"a.jsonl:1: 2 texts in column 'text'; .* --text-pair"):
        read_labelled_texts(path)
    path = put(tmp_path, "a.csv", "text,toxic,rude,id\nx,0,1,7\ny,1,0,8\n")
    with pytest.raises(DataError, match=r"'toxic', 'rude' say yes or no .*--label toxic,rude, or one .*--label toxic"):
        read_labelled_texts(path)
    assert read_labelled_texts(path, label="rude")[0].labels == ["1", "0"]


BIG = 3 << 20  # bytes, over what no ratio is asked of


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b"text,label\n" + b"aaaaaaaaaaaaaaaa,b\n" * (BIG // 19)),
        ("a.csv", b"text,label\n" + b"a" * BIG),
        ("a.jsonl", b'{"text": "x", "label": 1}\n' + b" " * BIG),
        ("a.json", b'[{"text": "x", "label": 1}' + b" " * BIG + b"]"),
        ("a.txt", b"__label__a text\n" * (BIG // 16)),
    ],
)
def test_a_bomb_is_refused_with_a_way_out(tmp_path, pack, name, data):
    path = put(tmp_path, f"{name}.{'gz' if pack is gzip.compress else 'xz'}", pack(data))
    with pytest.raises(DataError, match=rf"{name}.*: grows more than 100-fold when unpacked; .*unpack it and give"):
        read_labelled_texts(path, on_bad_row="skip")


@pytest.mark.parametrize("as_category", [False, True])
def test_a_parquet_file_whose_values_repeat_is_read_in_little_memory_and_refused(tmp_path, as_category):
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 900, pa.int32()), pa.array(["a" * 6_000_000]))
    table = pa.table({"text": text, "label": pa.array(["x"] * 900)})
    how = {"compression": "gzip", "dictionary_pagesize_limit": 1 << 28, "store_schema": as_category}
    path = parquet_of(tmp_path, table, **how)
    del text, table
    assert path.stat().st_size < 20_000
    pa.default_memory_pool().release_unused()
    before = pa.total_allocated_bytes()
    peaks = (max(pa.total_allocated_bytes() - before, batch.nbytes) for batch in record_batches(path))
    largest = 0
    with pytest.raises(DataError, match=r"a.parquet: grows more than 100-fold when read; .*write it as csv or jsonl"):
        largest = max(peaks)
    with pytest.raises(DataError, match=r"a.parquet: grows more than 100-fold when read"):
        read_labelled_texts(path)
    assert largest < 100 << 20
    # As many values that repeat, but in a file of a usual size.
    table = pa.table(
        {
            "text": pa.array([f"text {i % 97} of some length" for i in range(5000)]).dictionary_encode(),
            "label": ["x"] * 5000,
        }
    )
    assert read_labelled_texts(parquet_of(tmp_path, table))[0].texts == table["text"].to_pylist()


def test_headers_of_many_letters_or_columns(tmp_path):
    with pytest.raises(DataError, match=r"a.csv:1: a column's name of 131,073 letters; write a first line such as"):
        read_labelled_texts(put(tmp_path, "a.csv", "x" * 131_073 + ",label\nx,1\n"))
    long = "word " * 30_000  # more than csv.field_size_limit is at the start
    assert read_labelled_texts(put(tmp_path, "a.csv", f'text,label\n"{long}",1\n'))[0].texts == [long]
    times = []
    for count in (5_000, 20_000):
        names = ["text", "label", *(f"c{i}" for i in range(count))]
        rows = [",".join(["x", str(i % 2), *["0"] * count]) for i in range(20)]
        path = put(tmp_path, "a.csv", "\n".join([",".join(names), *rows]))
        start = process_time()
        assert len(read_labelled_texts(path, text="text", label="label")[0]) == 20
        times.append(process_time() - start)
    assert times[1] < 8 * times[0] + 0.5
