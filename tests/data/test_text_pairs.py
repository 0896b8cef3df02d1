"""Pairs of texts: how tables of them are read and divided, and which pairs may not meet in a batch."""

import json

import numpy as np
import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.batches.distinct_groups import DistinctGroups
from lingon.data.load_pairs import load_pair_splits, load_pairs
from lingon.data.pair_groups import NOWHERE, PairGroups
from lingon.data.text_pairs import PositivePairs, ScoredPairs

HEADINGS = {
    "query,passage": ("query", "passage"),
    "anchor,positive": ("anchor", "positive"),
    "question,answer": ("question", "answer"),
    "sentence1,sentence2": ("sentence1", "sentence2"),
    "Query,Positive": ("Query", "Positive"),
}


def table(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("heading", HEADINGS)
def test_usual_names_of_columns_are_found(heading, tmp_path, capsys):
    path = table(tmp_path / "p.csv", heading, "a,b", "c,d")
    assert load_pairs(path) == PositivePairs(["a", "c"], ["b", "d"])
    first, second = HEADINGS[heading]
    assert f"pairs from columns {first!r} and {second!r}" in capsys.readouterr().err


def test_negatives_are_columns_or_lists(tmp_path):
    path = table(tmp_path / "p.csv", "anchor,positive,negative_1,negative_2", "a,b,c,d", "e,f,,g")
    assert load_pairs(path) == PositivePairs(["a", "e"], ["b", "f"], [("c", "d"), ("g",)])
    rows = [{"query": "a", "pos": ["b", "c"], "neg": ["d", "e"]}, {"query": "f", "pos": ["g"], "neg": []}]
    path = table(tmp_path / "p.jsonl", *map(json.dumps, rows))
    assert load_pairs(path) == PositivePairs(["a", "a", "f"], ["b", "c", "g"], [("d", "e"), ("d", "e"), ()])


def test_columns_may_be_named(tmp_path):
    path = table(tmp_path / "p.csv", "x,y,z,s", "a,b,c,1", "d,e,f,2")
    assert load_pairs(path, text="x", text_pair="y") == PositivePairs(["a", "d"], ["b", "e"])
    assert load_pairs(path, text="x", text_pair="y", negatives=["z"]).negatives == [("c",), ("f",)]
    assert load_pairs(path, text="z", text_pair="y", score="s") == ScoredPairs(["c", "f"], ["b", "e"], [1.0, 2.0])


WRONG = {
    "a side missing": (["query,passage", "a,b", "c,"], DataError, r"p\.csv:3: no text in column 'passage'; a pair has"),
    "the other side": (
        ["query,passage", ",b"],
        DataError,
        r"p\.csv:2: no text in column 'query'; a pair has two texts",
    ),
    "a negative that is the positive": (
        ["anchor,positive,negative", "a,b,c", "d,e, e"],
        DataError,
        r"p\.csv:3: the negative in column 'negative' is the anchor or the positive: 'e'",
    ),
    "no pairs": (["x,y", "a,b"], DataError, "not obvious which columns are the two texts of a pair, of x, y"),
    "only itself": (["query,passage", "a,a"], DataError, "no row holds two texts"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_pairs_are_refused_by_file_and_line(name, tmp_path):
    lines, kind, message = WRONG[name]
    with pytest.raises(kind, match=message):
        load_pairs(table(tmp_path / "p.csv", *lines))


def test_columns_that_do_not_fit_are_refused(tmp_path):
    path = table(tmp_path / "p.csv", "query,passage,s", "a,b,1")
    with pytest.raises(DataError, match=r"there is no column 'pasage' for --text-pair; did you mean 'passage'"):
        load_pairs(path, text_pair="pasage")
    with pytest.raises(UserError, match="a column is named twice, of query, passage, query"):
        load_pairs(path, negatives=["query"])
    with pytest.raises(UserError, match=r"scores \(--label s\) or negatives"):
        load_pairs(table(tmp_path / "q.csv", "query,passage,neg,s", "a,b,c,1"), score="s")


def test_pairs_that_come_again_are_left_out_and_said(tmp_path, capsys):
    path = table(tmp_path / "p.csv", "query,passage", "a,b", "c,d", "a, b", "e,e", "a,f", "a,b")
    assert load_pairs(path) == PositivePairs(["a", "c", "a"], ["b", "d", "f"])
    said = capsys.readouterr().err
    assert "p.csv:4: the first of 2 pairs that come again; left out" in said
    assert "p.csv:5: the first of 1 pair that are a text with itself; left out" in said


def test_a_part_of_a_table_is_the_one_that_training_leaves_out(tmp_path, capsys):
    path = table(tmp_path / "p.csv", "query,passage", *(f"a{i},b{i}" for i in range(30)))
    splits = load_pair_splits(path)
    assert (load_pairs(path, "test"), load_pairs(path, "train")) == (splits.test, splits.train)
    capsys.readouterr()
    assert len(load_pairs(path)) == 30
    assert "all 30 pairs; --split test uses only those held out from training" in capsys.readouterr().err
    with pytest.raises(UserError, match="unknown split 'tests'; did you mean 'test'"):
        load_pairs(path, "tests")


def test_bad_rows_are_left_out_where_that_is_asked(tmp_path, capsys):
    path = table(tmp_path / "p.csv", "query,passage", "a,b", "c,")
    assert len(load_pairs(path, on_bad_row="skip")) == 1
    assert "1 bad row skipped, the first: " in capsys.readouterr().err


def test_pairs_that_share_a_text_are_one_group():
    groups = PairGroups([("a", "b"), ("c", "d"), ("e", "b"), ("f", "g"), ("e", "h  i"), ("h i", "j")])
    one, two, three = (groups.of_pairs[i] for i in (0, 1, 3))
    assert groups.of_pairs.tolist() == [one, two, one, three, one, one]
    assert len({one, two, three}) == 3
    assert [groups.of_text(text) for text in ("j", "d", "z")] == [one, two, NOWHERE]


@pytest.mark.parametrize("seed", range(5))
def test_no_two_pairs_of_a_group_are_in_a_batch(seed):
    random = np.random.default_rng(seed)
    groups = random.integers(0, 23, 101)
    groups[:19] = 5  # more than there are batches else
    order = DistinctGroups(groups, 7, seed)
    batches = [order.batch_rows(2)(i) for i in range(len(order))]
    assert sorted(np.concatenate(batches)) == list(range(101))
    assert len(order) == np.bincount(groups).max()
    assert all(len(set(groups[rows])) == len(rows) for rows in batches)
    assert max(map(len, batches)) - min(map(len, batches)) <= 1
    assert not np.array_equal(batches[0], order.batch_rows(3)(0))


def test_batches_are_as_large_as_wanted_where_groups_are_small():
    order = DistinctGroups(np.arange(50) // 2, 16)
    assert sorted(len(order.batch_rows(0)(i)) for i in range(len(order))) == [12, 12, 13, 13]


def test_pairs_are_divided_so_that_no_text_is_on_two_sides(tmp_path):
    lines = [f"question {i // 3},answer {i}" for i in range(300)]
    found = load_pair_splits(table(tmp_path / "p.csv", "question,answer", *lines))
    sides = [{*part.anchors, *part.positives} for part in (found.train, found.valid, found.test)]
    assert all(sides[i].isdisjoint(sides[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    assert sum(map(len, (found.train, found.valid, found.test))) == 300
    assert 55 <= len(found.test) <= 65
    assert 20 <= len(found.valid) <= 28
    assert found.source["test"] == len(found.test)
    again = load_pair_splits(tmp_path / "p.csv")
    assert again.test == found.test


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_a_large_group_of_pairs_is_for_training(name, tmp_path):
    """45 of 100 pairs share a first text; whatever it is called, it is not cut off where a fifth is wanted."""
    lines = [f"{name if i < 45 else i},answer {i}" for i in range(100)]
    found = load_pair_splits(table(tmp_path / "p.csv", "question,answer", *lines))
    assert (len(found.test), len(found.valid), len(found.train)) == (20, 8, 72)


def test_pairs_that_all_share_texts_are_divided_and_that_is_said(tmp_path, capsys):
    lines = [f"text {i},text {j},{(i * j) % 5}" for i in range(12) for j in range(i)]
    found = load_pair_splits(table(tmp_path / "p.csv", "sentence1,sentence2,score", *lines))
    assert (len(found.test), len(found.valid), len(found.train)) == (13, 5, 48)
    assert "100% of the pairs are connected by texts that they share" in capsys.readouterr().err


def test_other_data_than_pairs(tmp_path):
    lines = [f"a text {i},{'up' if i % 2 else 'down'}" for i in range(40)]
    found = load_pair_splits(table(tmp_path / "l.csv", "text,label", *lines))
    assert found.train.label_counts().keys() == {"up", "down"}
    with pytest.raises(UserError, match="'stbs' is neither a corpus of pairs nor a file; did you mean 'stsb'"):
        load_pair_splits("stbs")
    with pytest.raises(UserError, match="'stsb' is a corpus with fixed columns and splits"):
        load_pair_splits("stsb", text="a")
    with pytest.raises(DataError, match="2 pairs are too few to train, validate and test on"):
        load_pair_splits(table(tmp_path / "p.csv", "query,passage", "a,b", "c,d"))


def test_parts_in_files_of_their_own(tmp_path, capsys):
    train = table(tmp_path / "p.csv", "query,passage", *(f"q{i},p{i}" for i in range(20)))
    held = table(tmp_path / "t.csv", "query,passage", "q3,x", "y,z")
    valid = table(tmp_path / "v.csv", "query,passage", "v,w")
    found = load_pair_splits(train, test=held, valid=valid)
    assert [len(part) for part in (found.train, found.valid, found.test)] == [20, 1, 2]
    assert found.test == PositivePairs(["q3", "y"], ["x", "z"])
    assert "1 of 4 texts of the test pairs are also in training" in capsys.readouterr().err
    assert (found.source["test_file"], found.source["valid_file"]) == ("t.csv", "v.csv")
    found = load_pair_splits(train, valid=valid)
    assert [len(part) for part in (found.train, found.valid, found.test)] == [16, 1, 4]
