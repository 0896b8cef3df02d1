"""Labels of every kind in a user's file: what a cell says, what a column holds, and what is wrong, with its line."""

import json

import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.examples import Examples
from lingon.data.files.label_cells import guess
from lingon.data.files.labelled_texts import read_labelled_texts
from lingon.data.load_data import load_data
from lingon.data.split import stratified_split


def put(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def jsonl(folder, labels, **more):
    rows = [{"text": f"text {i}", "label": label, **more} for i, label in enumerate(labels)]
    return put(folder, "a.jsonl", "\n".join(map(json.dumps, rows)))


def test_several_labels_are_read_from_lists_joined_names_columns_and_fasttext(tmp_path):
    wanted = [("a", "b"), (), ("b",)]
    found, report = read_labelled_texts(jsonl(tmp_path, [["a", "b", "a"], [], ["b"]]))
    assert (found.labels, report.problem_type) == (wanted, "multi-label")
    assert any("have a list of labels: --problem-type multi-label" in line for line in report.messages)

    path = put(tmp_path, "a.csv", 'text,label\nx,"[""a"", ""b""]"\ny,[]\nz,"[""b""]"\n')
    assert read_labelled_texts(path)[0].labels == wanted

    path = put(tmp_path, "b.csv", "text,label\nx,a|b\ny,b|a\nz,b\n")
    found, report = read_labelled_texts(path)
    assert found.labels == [("a", "b"), ("b", "a"), ("b",)]
    assert any("2 of 3 labels are several with | between" in line for line in report.messages)
    assert read_labelled_texts(path, problem_type="single-label")[0].labels == ["a|b", "b|a", "b"]

    path = put(tmp_path, "c.csv", "text,a,b\nx,1,true\ny,0,False\nz,0.0,1.0\n")
    found, report = read_labelled_texts(path, label="a,b")
    assert (found.labels, report.label, report.problem_type) == (wanted, "a,b", "multi-label")

    path = put(tmp_path, "d.txt", "__label__a __label__b x\n__label__b y\n")
    assert read_labelled_texts(path)[0].labels == [("a", "b"), ("b",)]


def test_a_rare_second_label_is_a_mistake_that_is_named(tmp_path):
    lines = ["__label__a x"] * 200 + ["__label__a __label__b y"]
    with pytest.raises(
        DataError, match=r"a.txt:201: several labels \(\['a', 'b'\]\) .* give --problem-type multi-label"
    ):
        read_labelled_texts(put(tmp_path, "a.txt", "\n".join(lines)))


def test_a_column_is_guessed_only_where_it_is_sure():
    fractions, whole = [f"{i / 4}" for i in range(30)], [f"{i}" for i in range(90)]
    assert guess(fractions, "y")[0] == "regression"
    assert "--problem-type regression" in guess(fractions, "y")[1]
    assert guess([*fractions, "nan", "n/a"], "y")[0] == "regression", "of which the others are named as bad rows"
    assert guess([*fractions, *["some"] * 5], "y")[0] == "single-label"
    assert guess(whole, "y") == ("single-label", "")  # numbers of topics, maybe
    assert guess(fractions[:9] * 5, "y")[0] == "single-label"
    assert guess(["a|b", "a", "b", "c"], "y")[0] == "single-label"
    assert "--problem-type multi-label takes them for several" in guess(["a|b", "a", "b", "c"], "y")[1]
    assert guess(["a", "b"], "y") == ("single-label", "")


def test_many_whole_numbers_are_told_with_the_flag(tmp_path, capsys):
    rows = "".join(f"text {i},{i % 30}\n" for i in range(300))
    assert load_data(put(tmp_path, "a.csv", f"text,label\n{rows}")).problem_type == "single-label"
    assert "--problem-type regression learns them as numbers, ordinal as ranks" in capsys.readouterr().err


def test_numbers_are_read_and_the_rest_is_refused_with_its_line(tmp_path):
    path = put(tmp_path, "a.csv", "text,y\nx,1\ny,-2.5\nz,1e3\n")
    assert read_labelled_texts(path, label="y", problem_type="regression")[0].labels == [1.0, -2.5, 1000.0]
    for cell, message in {
        "abc": "'abc' in column 'y' is not a number",
        "nan": "'nan' in column 'y' is not a finite number",
        "-inf": "'-inf' in column 'y' is not a finite number",
        "": "no number in column 'y'",
    }.items():
        path = put(tmp_path, "a.csv", f"text,y\nx,1\nz,{cell}\n")
        for kind in ("regression", "ordinal"):
            with pytest.raises(DataError, match=rf"a.csv:3: {message}"):
                read_labelled_texts(path, label="y", problem_type=kind)
        assert read_labelled_texts(path, label="y", problem_type="regression", on_bad_row="skip")[0].labels == [1.0]


BAD = {
    "an empty label": ([["a"], ["a", ""]], "an empty label"),
    "a list in a list": ([["a"], [["a"]]], "an empty label or a list in a list"),
    "no label": ([["a"], ""], r"no label in column 'label'; a text that has none is written \[\]"),
    "no JSON": ([["a"], "[a"], "'.a' in column 'label' is not a JSON list"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_cell_that_is_no_list_of_labels_is_named_with_its_line(name, tmp_path):
    labels, message = BAD[name]
    with pytest.raises(DataError, match=rf"a.jsonl:2: {message}"):
        read_labelled_texts(jsonl(tmp_path, labels), problem_type="multi-label")


def test_unknown_labels_and_cells_that_say_neither_yes_nor_no_are_named(tmp_path):
    with pytest.raises(DataError, match=r"a.jsonl:2: unknown label 'c'"):
        read_labelled_texts(jsonl(tmp_path, [["a"], ["a", "c"]]), known=["a", "b"])
    path = put(tmp_path, "a.csv", "text,a,b\nx,1,0\ny,2,0\n")
    with pytest.raises(DataError, match=r"a.csv:3: '2' in column 'a' is neither 0 nor 1"):
        read_labelled_texts(path, label="a,b")
    with pytest.raises(DataError, match="there is no column 'c' for --label"):
        read_labelled_texts(path, label="a,c")
    with pytest.raises(UserError, match="--label names 2 columns, but --problem-type is regression"):
        read_labelled_texts(path, label="a,b", problem_type="regression")
    with pytest.raises(UserError, match="unknown --problem-type 'multilabel'; did you mean 'multi-label'"):
        read_labelled_texts(path, problem_type="multilabel")
    (tmp_path / "f/a").mkdir(parents=True)
    with pytest.raises(UserError, match="is a folder, whose texts have one label each"):
        read_labelled_texts(tmp_path / "f", problem_type="multi-label")


def test_pairs_have_two_texts(tmp_path):
    path = put(tmp_path, "a.csv", "first,second,label\nx,u,1\ny,,0\n")
    with pytest.raises(DataError, match=r"a.csv:3: no text in column 'second'; a pair has two texts"):
        read_labelled_texts(path, "first", "label", text_pair="second")
    with pytest.raises(DataError, match="there is no column 'seconds_' for --text-pair; did you mean 'second'"):
        read_labelled_texts(path, "first", "label", text_pair="seconds_")
    found, _ = read_labelled_texts(path, "first", "label", "skip", text_pair="second")
    assert (found.inputs, found.all_texts) == ([("x", "u")], ["x", "u"])


def test_a_split_keeps_a_text_of_every_label_and_equal_pairs_together():
    labels = [("a",), ("a", "b"), ("a", "c"), ("b",), ("c", "a"), ()] * 4
    rest, cut = stratified_split(Examples([f"t {i}" for i in range(24)], labels), 0.25, 3, "valid")
    for part in (rest, cut):
        assert set(part.label_counts()) == {"a", "b", "c"}
    numbers = Examples([f"t {i}" for i in range(20)], [i / 3 for i in range(20)])
    rest, cut = stratified_split(numbers, 0.25, 3, "valid")
    assert (len(rest), len(cut)) == (15, 5)
    pairs = Examples(["x"] * 6, ["l"] * 6, text_pairs=["u", "u", "v", "v", "w", "w"])
    rest, cut = stratified_split(pairs, 0.3, 0, "valid")
    assert len(cut) == 2
    assert not set(rest.inputs) & set(cut.inputs)
