"""Files of word vectors of every format: there and back, and every way in which they can be broken."""

import gzip
import json
import random
import struct
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lingon.core.errors import DataError, UserError
from lingon.data.hashing import fnv1a, subwords
from lingon.word_vectors.files import (
    FastText,
    Subwords,
    kind_of,
    load_fasttext,
    load_vector_file,
    save_fasttext,
    save_vector_file,
)
from lingon.word_vectors.files.subwords import subword_rows
from lingon.word_vectors.files.text_format import read_text_format, read_vectors

WORDS = ["the", "café", "naïve", "日本", "-5"]
TABLE = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
SETTINGS = {"ws": 5, "epoch": 1, "min_count": 1, "neg": 5, "word_ngrams": 1, "loss": 1, "model": 2}
SETTINGS |= {"bucket": 7, "minn": 2, "maxn": 3, "lr_update_rate": 1}


def model(words=WORDS, width=3) -> FastText:
    draw = np.random.default_rng(1)
    inputs = draw.standard_normal((len(words) + 7, width)).astype(np.float32)
    outputs = draw.standard_normal((len(words), width)).astype(np.float32)
    return FastText(list(words), list(range(len(words), 0, -1)), inputs, outputs, SETTINGS | {"dim": width}, 99)


@pytest.mark.parametrize("ending", ["txt", "vec", "bin", "npz", "safetensors", "txt.gz", "vec.gz", "bin.gz"])
def test_there_and_back(tmp_path, ending):
    path = tmp_path / f"v.{ending}"
    save_vector_file(path, WORDS, TABLE)
    found = load_vector_file(path)
    assert list(found.words) == WORDS
    np.testing.assert_array_equal(found.table, TABLE)
    tokens, table = read_vectors(path, only={"日本", "none"})
    assert tokens == ["日本"]
    np.testing.assert_array_equal(table, TABLE[3:4])


# Letters that formats use for themselves, numbers, a byte that is not UTF-8 on its own, and everything else.
TOKENS = st.text(
    st.sampled_from(" \t\r\n\x00\x0b\x1c\x85\u2028\ufeff19.e-+é日𝔘") | st.characters(codec="utf-8"), max_size=7
)


@pytest.mark.parametrize("ending", ["txt", "vec", "bin", "npz", "safetensors"])
@given(words=st.lists(TOKENS, min_size=1, max_size=5, unique=True))
@settings(max_examples=150, deadline=None)
def test_any_words_come_back_or_are_refused(tmp_path_factory, ending, words):
    path = tmp_path_factory.mktemp("any") / f"v.{ending}"
    table = TABLE[: len(words)]
    try:
        save_vector_file(path, words, table)
    except UserError as error:
        assume("the word" not in str(error))
        raise
    found = load_vector_file(path)
    assert list(found.words) == words
    np.testing.assert_array_equal(found.table, table)


def test_kinds_are_told_by_content_not_by_name(tmp_path):
    for ending, kind in (("txt", "text"), ("bin", "word2vec"), ("npz", "npz"), ("safetensors", "safetensors")):
        save_vector_file(tmp_path / f"v.{ending}", WORDS, TABLE)
        assert kind_of((tmp_path / f"v.{ending}").rename(tmp_path / "x")) == kind
    save_fasttext(tmp_path / "x", model())
    assert kind_of(tmp_path / "x") == "fasttext"
    (tmp_path / "y").write_text("2 2\nthe 1e-5 nan\n")
    assert kind_of(tmp_path / "y") == "text"
    with pytest.raises(DataError, match="a folder"):
        kind_of(tmp_path)
    with pytest.raises(UserError, match=r"unknown ending of a vector file '\.doc'"):
        save_vector_file(tmp_path / "v.doc", WORDS, TABLE)


@pytest.mark.parametrize(
    ("word", "ending"), [("a b", "bin"), ("", "txt"), ("a\nb", "txt"), ("a\nb", "safetensors"), ("a\nb", "npz")]
)
def test_words_that_a_format_cannot_hold_are_refused(tmp_path, word, ending):
    with pytest.raises(UserError, match="the word"):
        save_vector_file(tmp_path / f"v.{ending}", [word], TABLE[:1])
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_read_is_called_what_it_is(tmp_path):
    path = tmp_path / "v"
    save_fasttext(path, model())
    with pytest.raises(UserError, match="unknown way with bad lines 'foo'"):
        load_vector_file(path, "foo")
    for first, name in ((b"BZh91AY", "bzip2"), (b"\xfd7zXZ\0\0", "xz"), (b"\x28\xb5\x2f\xfd\0", "zstd")):
        path.write_bytes(first)
        with pytest.raises(DataError, match=f"compressed with {name}; only gzip is read"):
            load_vector_file(path)
    for mark in "\t,":
        path.write_text(mark.join(["the", "1", "2"]) + "\n")
        with pytest.raises(DataError, match="expected spaces between token and numbers; found"):
            load_vector_file(path)
    path.write_text("the 1 1e99\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match="NaN or infinite"):
            load_vector_file(path)


def test_words_with_spaces_live_in_text(tmp_path):
    save_vector_file(tmp_path / "v.vec", ["New York", ". ."], TABLE[:2])
    assert load_vector_file(tmp_path / "v.vec").words == ["New York", ". ."]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"the 1 2 3", "text"),
        (b"the 1 2 x", "text"),
        (b"the one two three", "text"),
        ("naïve né 1 2 3".encode("latin-1"), "text"),
        (b"the " + TABLE[0].tobytes(), "word2vec"),
        (b"the " + np.zeros(3, "<f4").tobytes(), "word2vec"),
        (b"the " + np.ones(3, "<f4").tobytes(), "word2vec"),
    ],
)
def test_text_and_binary_are_told_apart(tmp_path, line, kind):
    (tmp_path / "v").write_bytes(b"1 3\n" + line + b"\n")
    assert kind_of(tmp_path / "v") == kind


def test_bad_lines_are_skipped_and_counted(tmp_path):
    path = tmp_path / "v.txt"
    path.write_bytes(b"4 2\na 1 2\nb 1\n\xe9 3 4\nc 1 x\nd 5 6\n")
    with pytest.raises(DataError, match=r"v\.txt:3: 1 numbers, expected 2"):
        read_text_format(path)
    with pytest.warns(UserWarning, match=r"3 bad lines skipped, the first: .*v\.txt:3"):
        words, table = read_text_format(path, on_bad_line="skip")
    assert words == ["a", "d"]
    assert table.tolist() == [[1, 2], [5, 6]]
    with pytest.raises(UserError, match="unknown way with bad lines"):
        read_text_format(path, on_bad_line="ignore")


def test_a_line_without_an_end_and_a_bomb(tmp_path):
    (tmp_path / "v").write_bytes(b"x" * (5 << 20))
    with pytest.raises(DataError, match="v:1: a line of over"):
        load_vector_file(tmp_path / "v")
    (tmp_path / "v").write_bytes(gzip.compress(b"a 1 2\n" * (1 << 20)))
    with pytest.raises(DataError, match="refused as a bomb"):
        load_vector_file(tmp_path / "v")


def word2vec(*entries: tuple[bytes, bytes], head=b"2 3\n") -> bytes:
    return head + b"".join(word + b" " + numbers for word, numbers in entries)


GOOD = TABLE[0].tobytes(), TABLE[1].tobytes()


def test_word2vec_with_and_without_ends_of_lines(tmp_path):
    for end in (b"", b"\n"):
        (tmp_path / "v.bin").write_bytes(word2vec((b"a", GOOD[0] + end), ("é".encode(), GOOD[1] + end)))
        found = load_vector_file(tmp_path / "v.bin")
        assert found.words == ["a", "é"]
        np.testing.assert_array_equal(found.table, TABLE[:2])
    (tmp_path / "v.bin").write_bytes(word2vec((b"a", GOOD[0]), (b"a", GOOD[1])))
    with pytest.warns(UserWarning, match="1 tokens occur twice"):
        assert load_vector_file(tmp_path / "v.bin").words == ["a"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (word2vec((b"a", GOOD[0]), (b"b", GOOD[1][:-1])), "ends inside vector 1 of 2"),
        (word2vec((b"a", GOOD[0]), head=b"2 3\n"), "declares 2 x 3 numbers in"),
        (word2vec((b"a", GOOD[0]), head=b"999999999999 3\n"), "declares 999,999,999,999 x 3"),
        (word2vec((b"a", GOOD[0]), (b"b", GOOD[1]), (b"c", GOOD[1])), "holds more than the 2 vectors"),
        (word2vec((b"\xe9", GOOD[0]), (b"b", GOOD[1])), "word 0 is not UTF-8"),
        (word2vec((b"a", GOOD[0]), (b"b", b"\0\0\xc0\x7f" * 3)), "vector 1 holds NaN"),
    ],
)
def test_broken_word2vec(tmp_path, content, message):
    (tmp_path / "v.bin").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_vector_file(tmp_path / "v.bin")


def test_bad_words_of_word2vec_can_be_skipped(tmp_path):
    bad = word2vec((b"\xe9", GOOD[0]), (b"b", GOOD[1]), (b"c", b"\0\0\xc0\x7f" * 3), head=b"3 3\n")
    (tmp_path / "v.bin").write_bytes(bad)
    with pytest.warns(UserWarning, match="2 bad words skipped, the first is number 0"):
        found = load_vector_file(tmp_path / "v.bin", on_bad_line="skip")
    assert found.words == ["b"]
    np.testing.assert_array_equal(found.table, TABLE[1:2])
    with pytest.raises(UserError, match="unknown way with bad lines"):
        load_vector_file(tmp_path / "v.bin", on_bad_line="ignore")


def test_pickles_are_never_read(tmp_path):
    for protocol in (2, 3, 4, 5):
        (tmp_path / "v.kv").write_bytes(b"\x80" + bytes([protocol]) + (b"\x95" if protocol > 3 else b"c") + b"...")
        with pytest.raises(DataError, match=r"v\.kv: a pickle, .*save_word2vec_format"):
            load_vector_file(tmp_path / "v.kv")


def test_a_zip_of_text_says_what_to_do(tmp_path):
    with zipfile.ZipFile(tmp_path / "glove.zip", "w") as archive:
        archive.writestr("glove.50d.txt", "a 1 2\n")
    with pytest.raises(DataError, match=r"unpack it and read glove\.50d\.txt"):
        load_vector_file(tmp_path / "glove.zip")


def test_the_first_token_may_hold_spaces_and_digits(tmp_path):
    for line, word, count in (("New York 1 2", "New York", 2), ("-5 1 2", "-5", 2), (". . 3 4 5", ". .", 3)):
        (tmp_path / "v").write_text(f"{line}\n")
        found = load_vector_file(tmp_path / "v")
        assert (found.words, found.table.shape) == ([word], (1, count))
    (tmp_path / "v").write_text("the 1 x 3\n")
    with pytest.raises(DataError, match=r"v:1: .*'x'"):
        load_vector_file(tmp_path / "v")


def npy(descr: str, shape: tuple, data: bytes) -> bytes:
    head = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"words.npy": npy("<U1", (1,), b"a\0\0\0"), "vectors.npy": npy("<f4", (10**9, 10**6), b"1234")},
            "not as large as",
        ),
        ({"words.npy": npy("|O", (1,), b"x"), "vectors.npy": npy("<f4", (1, 1), b"1234")}, "holds Python objects"),
        ({"vectors.npy": npy("<f4", (1, 1), b"1234")}, "no array named words"),
        ({"words.npy": npy("<U1", (1,), b"a\0\0\0"), "vectors.npy": npy("<i4", (1, 1), b"1234")}, "expected text"),
        ({"words.npy": npy("<U1", (1,), b"a\0\0\0"), "vectors.npy": npy("<f4", (2, 1), b"12341234")}, "1 word for 2"),
        ({"words.npy": b"nothing", "vectors.npy": b""}, "not a complete"),
        ({"words.npy": npy("<f4", (10**6,), bytes(4 * 10**6)), "vectors.npy": b""}, "refused as a bomb"),
    ],
)
def test_broken_npz(tmp_path, arrays, message):
    with zipfile.ZipFile(tmp_path / "v.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in arrays.items():
            archive.writestr(name, data)
    with pytest.raises(DataError, match=message):
        load_vector_file(tmp_path / "v.npz")


def own(head: dict, data: bytes) -> bytes:
    coded = json.dumps(head).encode()
    return struct.pack("<Q", len(coded)) + coded + data


V = {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}
W = {"dtype": "U8", "shape": [1], "data_offsets": [8, 9]}


@pytest.mark.parametrize(
    ("head", "data", "message"),
    [
        ({"vectors": V}, bytes(9), "expected vectors and words"),
        ({"vectors": V | {"shape": [10**9, 2]}, "words": W}, bytes(9), "is the file complete"),
        ({"vectors": V, "words": W}, bytes(8), "is the file complete"),
        ({"vectors": V | {"dtype": "F64"}, "words": W}, bytes(9), "is not F32"),
        ({"vectors": V | {"shape": [-1, -2]}, "words": W}, bytes(9), "is not F32"),
        ({"vectors": V, "words": W | {"shape": "all"}}, bytes(9), "is not U8"),
        ({"vectors": V, "words": W}, bytes(8) + b"\n", "2 words for 1 vector"),
        ({"vectors": V, "words": W}, bytes(8) + b"\xff", "not UTF-8"),
        ({"vectors": V, "words": W, "subwords": V}, bytes(9), "no lengths of n-grams"),
    ],
)
def test_broken_safetensors(tmp_path, head, data, message):
    (tmp_path / "v.safetensors").write_bytes(own(head, data))
    with pytest.raises(DataError, match=message):
        load_vector_file(tmp_path / "v.safetensors")


def test_own_files_are_safetensors_and_keep_parts_of_words(tmp_path):
    from safetensors.numpy import load_file

    parts = Subwords(np.random.default_rng(2).standard_normal((7, 3)).astype(np.float32), 2, 3)
    save_vector_file(tmp_path / "v.safetensors", WORDS, TABLE, parts)
    found = load_vector_file(tmp_path / "v.safetensors")
    np.testing.assert_array_equal(found.subwords.vector("unseen"), parts.vector("unseen"))
    theirs = load_file(tmp_path / "v.safetensors")
    np.testing.assert_array_equal(theirs["vectors"], TABLE)
    assert theirs["words"].tobytes().decode().split("\n") == WORDS


@pytest.mark.parametrize("ending", ["vec", "bin", "npz"])
def test_parts_of_words_are_not_lost_in_silence(tmp_path, ending):
    with pytest.warns(UserWarning, match=r"subword vectors are left out; \.safetensors keeps them"):
        save_vector_file(tmp_path / f"v.{ending}", WORDS, TABLE, Subwords(TABLE, 2, 3))
    assert load_vector_file(tmp_path / f"v.{ending}").subwords is None


def test_hashes_are_those_of_fasttext():
    for word in ("where", "café", "日本", "x"):
        for shortest, longest in ((3, 6), (1, 2), (2, 2)):
            rows, _ = subword_rows([word], shortest, longest, 1 << 32)
            truth = [fnv1a(s.encode()) for s in subwords(word, shortest, longest) if s not in "<>"]
            assert sorted(rows.tolist()) == sorted(truth)
    rows, starts = subword_rows(["te", "", "te"], 3, 3, 1 << 32)
    assert rows[0] == 1669484008  # of "<te"
    assert starts.tolist() == [0, 2, 2, 4]


def test_fasttext_words_are_means_of_their_parts(tmp_path):
    given = model([*WORDS, "</s>"])
    save_fasttext(tmp_path / "m.bin", given)
    found = load_vector_file(tmp_path / "m.bin")
    for i, word in enumerate(WORDS):
        hashes = [fnv1a(s.encode()) % 7 for s in subwords(word, 2, 3)]
        rows = given.inputs[[i, *(6 + h for h in hashes)]].astype(np.float64)
        np.testing.assert_allclose(found.table[i], rows.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found.table[5], given.inputs[5])
    hashes = [fnv1a(s.encode()) % 7 for s in subwords("unseen", 2, 3)]
    np.testing.assert_allclose(found.subwords.vector("unseen"), given.inputs[6:][hashes].mean(0), atol=1e-6)
    again = load_fasttext(tmp_path / "m.bin")
    save_fasttext(tmp_path / "n.bin", again)
    assert (tmp_path / "m.bin").read_bytes() == (tmp_path / "n.bin").read_bytes()


def test_fasttext_parts_that_do_not_fit_are_not_written(tmp_path):
    given = model()
    with pytest.raises(UserError, match="expected 13 rows"):
        save_fasttext(
            tmp_path / "m.bin", FastText(["x", *WORDS], given.counts, given.inputs, given.outputs, given.settings)
        )


def test_a_hostile_fasttext_file_is_read_or_refused(tmp_path):
    """Any byte may be changed, any end cut off: no crash, no memory, no other error."""
    path = tmp_path / "m.bin"
    save_fasttext(path, model())
    whole, draw = path.read_bytes(), random.Random(3)
    said = []
    for turn in range(1500):
        data = bytearray(whole)
        if turn % 3 == 0:
            del data[draw.randrange(1, len(data)) :]
        for _ in range(draw.randint(turn % 3 != 0, 3)):
            at = draw.randrange(4, max(5, min(len(data), 200 if turn % 2 else len(data))))
            if at < len(data):
                data[at] = draw.choice([0, 1, 127, 128, 255, draw.randrange(256)])
        path.write_bytes(data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = load_vector_file(path)
        except DataError as error:
            said.append(str(error))
        else:
            assert np.isfinite(found.table).all()
    refused = sum("m.bin" in message for message in said)
    assert refused == len(said)
    assert 500 < refused < 1500


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (8, -1, "width -1"),
        (8, 2**30, "width 1,073"),
        (40, -5, "-5 buckets"),
        (48, 2**30, "letters"),
        (68, 2**31 - 1, "declares"),
    ],
)
def test_absurd_sizes_of_fasttext(tmp_path, place, value, message):
    save_fasttext(tmp_path / "m.bin", model())
    data = bytearray((tmp_path / "m.bin").read_bytes())
    data[place : place + 4] = struct.pack("<i", value)
    (tmp_path / "m.bin").write_bytes(data)
    with pytest.raises(DataError, match=message):
        load_vector_file(tmp_path / "m.bin")


def test_hostile_bytes_of_the_other_formats(tmp_path):
    draw, said = random.Random(5), []
    for ending in ("bin", "npz", "safetensors", "vec", "vec.gz", "bin.gz"):
        path = tmp_path / f"v.{ending}"
        save_vector_file(path, WORDS, TABLE)
        whole = path.read_bytes()
        for _ in range(150):
            data = bytearray(whole)
            for _ in range(draw.randint(1, 3)):
                data[draw.randrange(len(data))] = draw.randrange(256)
            path.write_bytes(data if draw.random() < 0.7 else data[: draw.randrange(len(data))])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    list(load_vector_file(path).words)
                except DataError as error:
                    said.append(str(error))
    assert said
    assert all("v." in message for message in said)
