"""Text as word numbers: the same whatever is handled in one go, and in bounded memory."""

import numpy as np
import pytest

from lingon.core.errors import DataError
from lingon.data import word_id_file as id_file
from lingon.data.files.text_stream import group_by_size
from lingon.data.word_id_file import END, between_spaces, count_words, read_ids, write_ids

LINES = ["a b c a", "", "b a", "c " * 30, "a", "d e"]


def test_portions_hold_all_lines_in_order_and_none_after_their_limit():
    found = list(group_by_size(iter(LINES), 10))
    assert [line for some in found for line in some] == LINES
    assert all(sum(map(len, some[:-1])) < 10 for some in found)
    assert len(found) > 2


def test_a_portion_of_nothing():
    assert list(group_by_size([], 10)) == []


@pytest.mark.parametrize("letters", [1, 7, 1 << 20])
def test_numbers_do_not_depend_on_what_is_handled_in_one_go(monkeypatch, tmp_path, letters):
    monkeypatch.setattr(id_file, "LETTERS", letters)
    words = count_words(LINES, between_spaces, min_count=2)
    assert words.tokens == ["c", "a", "b"]
    assert words.counts.tolist() == [31, 4, 2]
    length = write_ids(tmp_path / "ids", LINES, between_spaces, words)
    wanted = [1, 2, 0, 1, END, END, 2, 1, END, *[0] * 30, END, 1, END, END]
    np.testing.assert_array_equal(read_ids(tmp_path / "ids", 0, length), wanted)
    np.testing.assert_array_equal(read_ids(tmp_path / "ids", 3, 2), wanted[3:5])


def test_no_word_is_frequent_enough():
    for nothing in ([], ["", "  "]):
        with pytest.raises(DataError, match="the text holds no words"):
            count_words(nothing, between_spaces, 1)
    with pytest.raises(DataError, match="none occurs 9 times"):
        count_words(["a b"], between_spaces, min_count=9)
