"""Parallel texts of the user's: the forms of files, what is guessed and said, what is refused, and the division."""

import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.files.aligned_files import first_that_does_not_fit
from lingon.data.files.open_parallel import ParallelReading
from lingon.data.load_parallel import load_parallel, load_parallel_splits
from lingon.data.parallel_texts import ParallelPair, ParallelTexts

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
