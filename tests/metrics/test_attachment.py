"""Attachment scores: counted by hand, by the rules of CoNLL 2018."""

import math

import pytest

from lingon.core.errors import UserError
from lingon.metrics.attachment import CONTENT, attachment, length_group

# She saw the old dog .
GOLD = ((2, 0, 5, 5, 2, 2), ("nsubj", "root", "det", "amod", "obj", "punct"))


def test_all_words_count_and_punctuation_too():
    said = ((2, 0, 4, 5, 2, 4), ("nsubj", "root", "det", "nummod", "obj", "punct"))
    found = attachment([GOLD], [said])
    assert (found.words.gold, found.words.heads, found.words.labelled) == (6, 4, 3)
    assert (found.words.uas, found.words.las) == (4 / 6, 3 / 6)
    # Content words are nsubj, root, amod and obj; said are nsubj, root, nummod and obj, of which three are right.
    assert (found.content.gold, found.content.predicted, found.content.labelled) == (4, 4, 3)
    assert found.content.f1 == 2 * 3 / 8


def test_subtypes_are_not_compared():
    found = attachment([((0, 1), ("root", "nmod:poss"))], [((0, 1), ("root:x", "nmod"))])
    assert found.words.las == 1.0
    assert set(found.by_relation) == {"root", "nmod"}
    found = attachment([((0, 1), ("root", "nmod:poss"))], [((0, 1), ("root", "nmodposs"))])
    assert found.words.las == 0.5


def test_a_wrong_kind_of_word_counts_in_the_content_that_was_said():
    """The word said to be a determiner is content in truth, and a case marker is said to be content."""
    gold = ((2, 0, 2, 3), ("nsubj", "root", "obl", "case"))
    found = attachment([gold], [((2, 0, 2, 3), ("det", "root", "obl", "nmod"))])
    assert (found.content.gold, found.content.predicted, found.content.labelled) == (3, 3, 2)
    of = found.by_relation
    assert (of["nsubj"].gold, of["nsubj"].predicted, of["nsubj"].labelled, of["nsubj"].heads) == (1, 0, 0, 1)
    assert (of["det"].gold, of["det"].predicted) == (0, 1)
    assert of["obl"].f1 == 1.0
    assert math.isnan(of["det"].las)


def test_shares_are_of_all_words_not_means_of_sentences():
    long = (tuple(range(11)), ("root", *["dep"] * 10))
    found = attachment([GOLD, long], [((0,) + (1,) * 5, GOLD[1]), long])
    assert found.words.gold == 17
    assert found.words.heads == 11 + 0
    assert {name: (c.gold, c.heads) for name, c in found.by_length.items()} == {"1-10": (6, 0), "11-20": (11, 11)}
    assert [length_group(n) for n in (0, 1, 10, 11, 40, 41, 5000)] == [
        "1-10", "1-10", "1-10", "11-20", "31-40", "41-", "41-"
    ]  # fmt: skip


def test_nothing_to_score_is_undefined_and_uneven_trees_are_refused():
    assert math.isnan(attachment([], []).words.las)
    with pytest.raises(UserError, match="1 tree for 2 sentences"):
        attachment([GOLD, GOLD], [GOLD])
    with pytest.raises(UserError, match="sentence 2: 5 heads for 6 words"):
        attachment([GOLD, GOLD], [GOLD, (GOLD[0][:5], GOLD[1][:5])])


def test_content_relations_are_those_of_the_script():
    assert len(CONTENT) == 29
    assert not CONTENT & {"aux", "cop", "mark", "det", "clf", "case", "cc", "punct"}
