"""Parallel texts of the user's: the forms of files, what is guessed and said, what is refused, and the division."""

import re

import pytest

from lingon.cli.app import main
from lingon.core.errors import DataError, UserError
from lingon.data.clean_parallel import CleaningRules, length_ratio, word_count
from lingon.data.files.aligned_files import first_that_does_not_fit
from lingon.data.files.open_parallel import ParallelReading, parts_of_folder
from lingon.data.language_guess import guess_language, suspicions
from lingon.data.load_parallel import load_parallel, load_parallel_splits
from lingon.data.parallel_texts import ParallelPair, ParallelTexts
from lingon.data.split_parallel import divide_rows
from lingon.recipes.parallel_settings import ParallelFiles
from lingon.recipes.read_examples import Asked, _parallel_texts

PAIRS = [
    ("A dog sleeps.", "Ein Hund schläft."),
    ("Two cats sit here.", "Zwei Katzen sitzen hier."),
    ("Is it 7 o'clock?", "Ist es 7 Uhr?"),
]


def tsv(path, pairs=PAIRS):
    path.write_text("".join(f"{a}\t{b}\n" for a, b in pairs), encoding="utf-8")
    return path


def two_files(folder, name="a", pairs=PAIRS):
    for language, side in zip(("en", "de"), zip(*pairs, strict=True), strict=True):
        (folder / f"{name}.{language}").write_text("".join(f"{text}\n" for text in side), encoding="utf-8")
    return folder / name


def test_a_tsv_without_a_header_and_two_aligned_files_are_the_same_pairs(tmp_path, capsys):
    found = load_parallel(tsv(tmp_path / "a.tsv"))
    assert list(found) == [ParallelPair(*pair) for pair in PAIRS]
    assert found.languages == (None, None)
    assert "a.tsv: no header; source is column 1, target column 2" in capsys.readouterr().err
    prefix = two_files(tmp_path)
    assert load_parallel(prefix) == ParallelTexts.of(PAIRS, ("en", "de"))
    assert load_parallel(tmp_path / "a.en", None, ParallelReading(target=str(tmp_path / "a.de"))) == load_parallel(
        prefix
    )
    assert load_parallel(prefix, None, ParallelReading(languages=("de", None))) == load_parallel(prefix).swapped()


def test_files_of_different_lengths_are_refused_with_the_first_line_that_does_not_fit(tmp_path):
    pairs = [(f"The house has {i} windows.", f"Das Haus hat {i} Fenster.") for i in range(40)]
    prefix = two_files(tmp_path, pairs=pairs)
    lines = (tmp_path / "a.de").read_text().splitlines(keepends=True)
    (tmp_path / "a.de").write_text("".join(lines[:16] + lines[17:]))
    with pytest.raises(DataError, match=r"a\.en has 40 lines and .*a\.de 39; .*line 17: .*16 windows.*17 Fenster"):
        load_parallel(prefix)
    assert first_that_does_not_fit(["1", "2", "3"], ["1", "2"]) == 2


def test_what_is_not_there_is_told_by_name(tmp_path):
    two_files(tmp_path)
    with pytest.raises(UserError, match=r"a\.en: one file of lines; .*--target \(.*a\.de\?\)"):
        load_parallel(tmp_path / "a.en")
    with pytest.raises(UserError, match=r"'.*b' is neither a corpus of parallel texts, nor a file"):
        load_parallel(tmp_path / "b")


def test_no_source_and_no_target_is_on_both_sides_of_a_cut(tmp_path):
    pairs = [(f"source {i % 60}", f"target {i % 45}") for i in range(0, 180, 2)]  # 30 sources, 45 targets, connected
    pairs += [(f"single {i}", f"alone {i}") for i in range(40)]
    parts = load_parallel_splits(tsv(tmp_path / "a.tsv", pairs))
    sides = [{*part.sources, *part.targets} for part in (parts.train, parts.valid, parts.test)]
    assert all(sides)
    assert len(set().union(*sides)) == sum(map(len, sides))
    assert sorted(parts.all()) == sorted({ParallelPair(*pair) for pair in pairs})
    assert load_parallel(tmp_path / "a.tsv", "test") == parts.test


def test_a_group_larger_than_a_part_stays_in_training_and_parts_have_no_more_than_asked(tmp_path):
    pairs = ParallelTexts.of([("one", f"t{i}") for i in range(300)] + [(f"s{i}", f"u{i}") for i in range(300)])
    rows = divide_rows("a", pairs, most=23)
    assert [len(rows[part]) for part in ("train", "valid", "test")] == [554, 23, 23]
    assert set(range(300)) <= set(rows["train"])
    assert rows == divide_rows("a", pairs, most=23)
    with pytest.raises(DataError, match="a: 300 pairs in 1 groups that share no source or target are too few"):
        divide_rows("a", pairs[:300])


def test_what_is_left_out_is_counted_with_the_first_place_and_the_rules_are_told(tmp_path, capsys):
    pairs = [(f"A sentence {i}.", f"Ein Satz {i}.") for i in range(40)]
    odd = [
        ("", "Leer."),
        ("No target.", " "),
        ("A sentence 7.", "Ein  Satz 7."),
        ("Long.", "lang " * 9),
        ("a b " * 4, "c " * 8),
    ]
    path = tsv(tmp_path / "a.tsv", pairs + odd)
    splits = load_parallel_splits(path, rules=CleaningRules(max_words=7))
    said = capsys.readouterr().err
    assert "1 of 45 pairs left out: empty source; the first at" in said
    assert f"1 of 45 pairs left out: empty target; the first at {path}:42" in said
    assert f"1 of 45 pairs left out: it comes again; the first at {path}:43" in said
    assert f"2 of 45 pairs left out: more than 7 words; the first at {path}:44" in said
    assert "no side more than 5 times as long as the other (--max-length-ratio)" in said
    assert sorted(splits.all()) == sorted(ParallelPair(*pair) for pair in pairs)
    assert sum(splits.source["left_out"].values()) == 5
    unequal = load_parallel_splits(path, rules=CleaningRules(max_length_ratio=1.5))
    assert unequal.source["left_out"]["one side is more than 1.5 times as long"] == 1


def test_rules_on_length_never_move_a_pair_into_another_part(tmp_path):
    path = tsv(tmp_path / "a.tsv", [(f"w {i} " * (i % 9 + 1), f"v {i} " * (i % 9 + 1)) for i in range(200)])
    whole, short = load_parallel_splits(path), load_parallel_splits(path, rules=CleaningRules(max_words=6))
    assert short.test == whole.test == load_parallel(path, "test")
    assert {*short.train} < {*whole.train}
    assert {*short.valid} < {*whole.valid}
    with pytest.raises(UserError, match=r"no pair is left to train on or to validate on; rules: .* at most 1 words"):
        load_parallel_splits(path, rules=CleaningRules(max_words=1))


def test_lengths_count_wide_characters_as_words_and_twice():
    assert word_count("我们 go") == 2 + 2
    assert length_ratio(ParallelPair("We are going home.", "我们回家。")) == 18 / 10
    assert length_ratio(ParallelPair("我", "ab")) == 1
    for field, value in (("max_words", 0), ("max_length_ratio", 0.5), ("max_length_ratio", float("nan"))):
        with pytest.raises(UserError, match=f"--{field.replace('_', '-')} is {value}; expected 1 or more"):
            CleaningRules(**{field: value})


def test_test_and_validation_are_other_files_with_partners_of_their_own(tmp_path, capsys):
    two_files(tmp_path, "a.all", [(f"s {i}", f"t {i}") for i in range(9)])
    two_files(tmp_path, "a.dev", [("s 3", "other"), ("new", "neu"), ("new", "neu")])
    two_files(tmp_path, "b.test")
    reading = ParallelReading(target=str(tmp_path / "a.all.de"))
    files = {"test": tmp_path / "b.test.en", "valid": tmp_path / "a.dev.en"}
    splits = load_parallel_splits(tmp_path / "a.all.en", reading, **files)
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [9, 3, 3]
    assert splits.test == ParallelTexts.of(PAIRS, ("en", "de"))
    assert "1 of 3 valid pairs have a source or target that is also in training" in capsys.readouterr().err
    assert splits.source["valid_file"] == "a.dev.en"


def test_a_folder_of_parts_is_read_as_they_are_named(tmp_path):
    two_files(tmp_path, "train", [(f"s {i}", f"t {i}") for i in range(9)])
    two_files(tmp_path, "dev")
    two_files(tmp_path, "test", PAIRS[:2])
    splits = load_parallel_splits(tmp_path, ParallelReading(languages=("de", "en")))
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [9, 3, 2]
    assert splits.test == ParallelTexts.of(PAIRS[:2], ("en", "de")).swapped()
    assert load_parallel(tmp_path, "valid") == ParallelTexts.of(PAIRS, ("en", "de"))


def test_parts_of_a_folder_are_told_by_names_as_those_of_other_data(tmp_path):
    tsv(tmp_path / "news-train.tsv", PAIRS)
    two_files(tmp_path, "news-dev")
    (tmp_path / "Test.tsv.gz").write_bytes(b"")
    (tmp_path / "training notes.md").write_text("trains")
    found = {"train": "news-train.tsv", "valid": "news-dev", "test": "Test.tsv.gz"}
    assert {part: path.name for part, path in parts_of_folder(tmp_path).items()} == found
    tsv(tmp_path / "old_train.tsv", PAIRS)
    with pytest.raises(DataError, match=r"several files for train: news-train\.tsv, old_train\.tsv; keep one"):
        parts_of_folder(tmp_path)
    two_files(tmp_path, "valid")
    (tmp_path / "old_train.tsv").unlink()
    with pytest.raises(DataError, match="several files for valid: news-dev, valid; keep one"):
        parts_of_folder(tmp_path)


@pytest.mark.parametrize(
    ("sources", "targets", "languages", "said"),
    [
        (["this is not the dog"] * 9, ["das ist nicht der Hund"] * 9, ("en", "de"), []),
        (
            ["das ist nicht der Hund"] * 9,
            ["this is not the dog"] * 9,
            ("en", "de"),
            ["the sources .* look like de", "the targets .* like en"],
        ),
        (["this is it"] * 9, ["это он"] * 9, ("en", "de"), ["the targets should be de, but most letters are Cyrillic"]),
        (["this is it"] * 9, ["это он"] * 9, ("en", "ru"), []),
        (["これは犬です"] * 9, ["this is it"] * 9, ("ja", "en"), []),
        (
            [f"a {i}" for i in range(9)],
            [f"a {i}" for i in range(9)],
            ("en", "de"),
            ["9 of 9 pairs have a target that is equal"],
        ),
    ],
)
def test_a_wrong_language_is_suspected_and_said(sources, targets, languages, said):
    found = suspicions(ParallelTexts(tuple(sources), tuple(targets), languages))
    assert len(found) == len(said)
    for line, pattern in zip(found, said, strict=True):
        assert re.search(pattern, line)
    assert guess_language(["xyzzy"] * 50) is None


def test_the_settings_and_evaluation_read_in_the_languages_that_are_asked_for(tmp_path):
    path = two_files(tmp_path, "a", [(f"A dog {i}.", f"Ein Hund {i}.") for i in range(30)])
    settings = ParallelFiles(str(path), source_lang="de", max_words=9)
    assert settings.read().test == load_parallel_splits(path, ParallelReading(languages=("de", None))).test
    assert settings.record()["source_lang"] == "de"
    task = type("Task", (), {"languages": ["de", "en"]})  # those of a model of many
    assert _parallel_texts(task, Asked(str(path), languages=("de", "en"))).languages == ("de", "en")
    assert _parallel_texts(task, Asked(str(path), languages=("en", "de"))).languages == ("en", "de")


def test_data_show_describes_files_of_the_user(tmp_path, capsys):
    path = tsv(tmp_path / "a.tsv", [*PAIRS, ("a", "b" * 9), PAIRS[0]])
    with pytest.raises(SystemExit) as end:
        main(["data", "show", str(path), "--target-lang", "de", "--samples", "2"])
    out, err = capsys.readouterr()
    assert end.value.code == 0
    assert "languages: unknown to de\nall 4 pairs, 12 and 12 words" in out
    assert "not learned from: 1 of 4 pairs left out: one side is more than 5 times as long; the first at pair 4" in out
    assert "A dog sleeps.\n    Ein Hund schläft." in out
    assert "1 of 5 pairs left out: it comes again" in err
