"""Texts with labels: choosing some, counting, checksums."""

import hashlib
import json

from lingon.data.examples import Examples, Splits

ONE = Examples(["a", "b", "c"], ["x", "y", "x"], [1.0, -2.0, 3.0])


def test_some_of_them():
    assert ONE[1:] == Examples(["b", "c"], ["y", "x"], [-2.0, 3.0])
    assert ONE[[2, 0]] == Examples(["c", "a"], ["x", "x"], [3.0, 1.0])
    assert len(ONE[5:]) == 0


def test_counts_are_sorted_by_label():
    assert list(Examples(["1"] * 5, list("cabca")).label_counts().items()) == [("a", 2), ("b", 1), ("c", 2)]


def test_the_checksum_is_sha256_of_texts_and_labels_in_order():
    expected = hashlib.sha256(b"".join(json.dumps(p).encode() for p in zip("abc", "xyx", strict=True))).hexdigest()
    assert ONE.checksum() == expected
    assert ONE[[1, 0, 2]].checksum() != expected
    assert Examples(["ab", ""], ["x", "x"]).checksum() != Examples(["a", "b"], ["x", "x"]).checksum()


def test_together():
    empty = Examples([], [])
    assert Splits(ONE, ONE[:1], empty, "odd").all().texts == ["a", "b", "c", "a"]
    assert (ONE + empty).ratings is None
    assert (ONE + ONE).ratings == [1.0, -2.0, 3.0] * 2
