"""Word vectors from text files: every way in which such a file can be broken, and the line it is broken at."""

import gzip

import numpy as np
import pytest

from lingon.core.errors import DataError, UserError
from lingon.word_vectors.files.text_format import read_vectors

GOOD = "the 1 2.5 -3e-1\nfilm 4 5 6\n. . 7 8 9\n"
TRUTH = np.array([[1, 2.5, -0.3], [4, 5, 6], [7, 8, 9]], np.float32)


def write(folder, content, name="v.txt"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("content", [GOOD, "3 3\n" + GOOD, GOOD.replace("\n", " \r\n"), "\ufeff" + GOOD, GOOD.rstrip()])
def test_glove_and_word2vec(tmp_path, content):
    tokens, table = read_vectors(write(tmp_path, content))
    assert tokens == ["the", "film", ". ."]
    assert table.dtype == np.float32
    np.testing.assert_array_equal(table, TRUTH)


def test_gzip_and_only(tmp_path):
    path = write(tmp_path, gzip.compress(GOOD.encode()), "v.txt.gz")
    tokens, table = read_vectors(path, only={"film", "absent"})
    assert tokens == ["film"]
    np.testing.assert_array_equal(table, TRUTH[1:2])
    tokens, table = read_vectors(path, only=set())
    assert (tokens, table.shape) == ([], (0, 3))


def test_the_first_of_two_is_kept(tmp_path):
    with pytest.warns(UserWarning, match="1 tokens occur twice"):
        tokens, table = read_vectors(write(tmp_path, GOOD + "the 0 0 0\n"))
    assert tokens == ["the", "film", ". ."]
    np.testing.assert_array_equal(table, TRUTH)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"v\.txt: empty"),
        ("the\n", r"v\.txt:1: no numbers"),
        ("a 1 2 3\nb 1 2\n", r"v\.txt:2: 2 numbers, expected 3"),
        ("a 1 2 3\nb 1 2 3 4\n", r"v\.txt:2: more than 3 numbers"),
        ("a 1 2 3\nb 1 x 3\n", r"v\.txt:2: could not convert string to float: 'x'"),
        ("a 1 2 3\nb 1 nan 3\n", r"v\.txt:2: the vector of 'b' holds NaN"),
        ("a 1 2 3\nb 1 1e99 3\n", r"v\.txt:2: the vector of 'b' holds NaN or infinite"),
        ("5 3\n" + GOOD, r"v\.txt: 3 vectors, but its first line declares 5"),
        ("999999999999 300\n", r"v\.txt: 0 vectors, but"),
        ("café 1 2 3\n".encode("latin-1"), r"v\.txt:1: not UTF-8 text"),
        (("a 1 2\n" * 1 + "café 1 2\n").encode("latin-1"), r"v\.txt:2: not UTF-8 text"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_broken_files(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_vectors(write(tmp_path, content))


def test_a_truncated_gzip(tmp_path):
    whole = gzip.compress("".join(f"w{i} {i} {i / 7}\n" for i in range(5000)).encode())
    with pytest.raises(DataError, match=r"v\.gz:\d+: cannot be read further"):
        read_vectors(write(tmp_path, whole[: len(whole) // 2], "v.gz"))


@pytest.mark.data
def test_vectors_of_the_catalogue():
    tokens, table = read_vectors("glove-6b-50d", only={"the", "n't", "film"})
    assert set(tokens) == {"the", "n't", "film"}
    assert (table.shape, table.dtype) == ((3, 50), np.float32)


def test_not_there(tmp_path):
    with pytest.raises(DataError, match=r"none\.txt: no such file"):
        read_vectors(tmp_path / "none.txt")
    with pytest.raises(DataError, match="a folder"):
        read_vectors(tmp_path)
    with pytest.raises(UserError, match="unknown"):
        read_vectors("glove-6b-50")
