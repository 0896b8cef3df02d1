"""Parallel corpora: what was counted is there, and no text is on both sides of a division."""

import pytest

from lingon.cli.app import main
from lingon.core.errors import UserError
from lingon.data.corpora.bibles import _numbered
from lingon.data.corpora.parallel import PARALLEL, load_parallel_corpus
from lingon.data.files.open_parallel import ParallelReading
from lingon.data.load_parallel import load_parallel, load_parallel_splits
from lingon.data.split import key_of

# Pairs of training, validation and test: Tatoeba's 169,813 and 167,130 as the files have them (of the French ones 151
# come again), NTREX and PUD as they were published.
COUNTS = {
    "tatoeba-de": (165_813, 2_000, 2_000),
    "tatoeba-fr": (162_974, 2_002, 2_003),
    "ntrex-de": (0, 0, 1_997),
    "ntrex-fr": (0, 0, 1_997),
    "ntrex-es": (0, 0, 1_997),
    "pud-en-de": (0, 0, 1_000),
    "pud-en-fr": (0, 0, 1_000),
}
# These come through package registries.
PACKAGES = {
    "libreoffice-de": 35_262,
    "libreoffice-fr": 33_513,
    "wesnoth-de": 8_548,
    "wesnoth-fr": 8_143,
    "wesnoth-es": 8_728,
    "bible-modern": 30_884,
    "bible-es": 30_918,
}


@pytest.mark.data
@pytest.mark.parametrize("name", COUNTS)
def test_the_files_hold_what_was_counted_and_no_text_is_on_both_sides(name):
    splits = load_parallel_corpus(name)
    assert (len(splits.train), len(splits.valid), len(splits.test)) == COUNTS[name]
    assert all(source.strip() and target.strip() for source, target in splits.test)
    tested = {key_of(text) for side in (splits.test.sources, splits.test.targets) for text in side}
    for part in (splits.train, splits.valid):
        assert not any(key_of(source) in tested or key_of(target) in tested for source, target in part)


@pytest.mark.data
@pytest.mark.long
@pytest.mark.parametrize("name", PACKAGES)
def test_the_packages_hold_what_was_counted(name):
    assert len(load_parallel_corpus(name).all()) == PACKAGES[name]


def test_every_row_names_its_licence_and_whom_to_attribute():
    assert set(PARALLEL) == {*COUNTS, *PACKAGES}
    for row in PARALLEL.values():
        assert row.licence
        assert row.attribution
    for name, count in PACKAGES.items():
        assert f"{count:,}" in PARALLEL[name].summary


@pytest.mark.data
def test_the_same_number_is_the_same_sentence():
    pairs = load_parallel("pud-en-de")
    assert pairs[1].source.startswith("For those who follow social media transitions on Capitol Hill")
    assert pairs[1].target.startswith("Für alle, die Social-Media-Übergänge auf dem Capitol Hill verfolgen")
    assert load_parallel("pud-en-de", None, ParallelReading(languages=("de", "en"))) == pairs.swapped()


@pytest.mark.data
def test_a_corpus_to_test_on_and_one_in_other_languages_are_refused():
    with pytest.raises(UserError, match=r"'ntrex-de' is a test set; train on tatoeba-de, .* --test ntrex-de"):
        load_parallel_splits("ntrex-de")
    with pytest.raises(UserError, match="'ntrex-de' has no part 'train', it is a test set"):
        load_parallel("ntrex-de", "train")
    with pytest.raises(UserError, match="--source-lang fr, --target-lang not given: 'ntrex-de' is in en and de"):
        load_parallel("ntrex-de", None, ParallelReading(languages=("fr", None)))
    with pytest.raises(UserError, match="'ntrex-de' is a corpus; leave --text, --target"):
        load_parallel("ntrex-de", None, ParallelReading(text="a"))


@pytest.mark.data
def test_data_show_has_pairs_languages_and_length_ratios(capsys):
    with pytest.raises(SystemExit) as end:
        main(["data", "show", "pud-en-fr", "--samples", "1"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert "licence: CC BY-SA 3.0; attribution: Parallel Universal Dependencies" in said
    assert "languages: en to fr\ntest 1,000 pairs, " in said
    assert "characters of the target for each of the source: median 1." in said
    assert "the peaceful transition of power is not" in said
    assert "« Alors que la plus grande partie de la transition" in said


def test_verses_are_counted_with_a_heading_for_each_book_and_chapter():
    assert list(_numbered([1001001, 1001002, 1002001, 2001001])) == [
        (1001001, 4),
        (1001002, 5),
        (1002001, 7),
        (2001001, 10),
    ]
