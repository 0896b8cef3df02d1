"""Pairs of words, against counting them in a dictionary; phrases, by hand; text as numbers."""

from collections import defaultdict

import numpy as np
import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.running_text import read_running_lines
from lingon.data.word_id_file import between_spaces, count_words, read_ids, write_ids
from lingon.word_vectors.train.cooccurrence import count_pairs
from lingon.word_vectors.train.phrases import find_phrases, join_phrases


@pytest.mark.parametrize("most", [23, 101, 1 << 16])
def test_pairs_are_those_of_a_dictionary_however_little_memory_there_is(tmp_path, most):
    random = np.random.default_rng(0)
    ids = random.integers(-1, 7, 997).astype(np.int32)
    ids.tofile(tmp_path / "ids")
    wanted: dict = defaultdict(float)
    for i, a in enumerate(ids):
        for d in range(1, 4):
            if a < 0 or i - d < 0 or ids[i - d] < 0:
                break
            wanted[a, ids[i - d]] += 1 / d
            wanted[ids[i - d], a] += 1 / d
    pairs = count_pairs(tmp_path / "ids", 997, 7, 3, tmp_path, most)
    found = {(i, j): x for i, j, x in zip(*pairs, strict=True)}
    assert len(found) == len(pairs.values)
    assert found == pytest.approx(wanted, rel=1e-4)


def test_a_phrase_is_what_stands_together_more_often_than_by_chance():
    lines = ["in new york now", "a new york day", "the new york bus", "a b c", "c b a", "the a b"] * 5
    # new york: (15 - 5) * 10 / (15 * 15) = 0.44; a b: (10 - 5) * 10 / (20 * 15) = 0.17
    found = find_phrases(lines, between_spaces, 5, 0.4)
    assert found == {("new", "york")}
    assert join_phrases(between_spaces, {("new", "york")})(["new york new york new", ""]) == [
        ["new_york"] * 2 + ["new"],
        [],
    ]


def test_text_becomes_numbers_without_the_rare_words(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("b a b\n\na rare b a b\n")
    words = count_words(read_running_lines([str(path)]), between_spaces, 2)
    assert (words.tokens, words.counts.tolist()) == (["b", "a"], [4, 3])
    count = write_ids(tmp_path / "ids", read_running_lines([str(path)]), between_spaces, words)
    assert read_ids(tmp_path / "ids", 0, count).tolist() == [0, 1, 0, -1, 1, 0, 1, 0, -1]
    with pytest.raises(DataError, match="none occurs 9 times"):
        count_words(read_running_lines([str(path)]), between_spaces, 9)
    with pytest.raises(UserError, match="neither a text corpus nor a file"):
        list(read_running_lines(["sotuu"]))
    path.write_bytes(b"caf\xe9\n")
    with pytest.raises(DataError, match="0xe9"):
        list(read_running_lines([str(path)]))
