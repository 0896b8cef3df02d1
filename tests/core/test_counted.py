"""Numbers with their noun are English, wherever one is said."""

import pytest

from lingon.core.counted import counted, plural


@pytest.mark.parametrize(
    ("count", "words", "said"),
    [
        (0, ("file",), "0 files"),
        (1, ("file",), "1 file"),
        (2000, ("file",), "2,000 files"),
        (1, ("text is", "texts are"), "1 text is"),
        (3, ("text is", "texts are"), "3 texts are"),
    ],
)
def test_a_number_and_its_noun(count, words, said):
    assert counted(count, *words) == said


def test_regular_plurals():
    assert [plural(one) for one in ("query", "day", "class", "box", "batch")] == [
        "queries", "days", "classes", "boxes", "batches",
    ]  # fmt: skip
