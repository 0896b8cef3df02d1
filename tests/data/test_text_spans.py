"""Spans of characters as tags of words: by hand, and of random spans the same characters come back."""

import random

import pytest

from lingon.core.errors import UserError
from lingon.data.tag_schemes import spans_of
from lingon.data.text_spans import CharacterSpan, spans_of_words, tags_of_text
from lingon.data.words_of_text import words_of_text

TEXT = "Ann Lee left New York-based Acme."


def tags(text, *spans):
    return tags_of_text(text, words_of_text(text), [CharacterSpan(*span) for span in spans])


def test_spans_become_tags():
    found = tags(TEXT, (0, 7, "person"), (13, 21, "place"), (28, 32, "firm"))
    assert found == ("B-person", "I-person", "O", "B-place", "I-place", "O", "O", "B-firm", "O")
    assert tags("", *[]) == ()


def test_white_space_at_the_ends_is_no_part_of_a_span():
    assert tags(TEXT, (0, 8, "person")) == tags(TEXT, (0, 7, "person"))
    assert tags(TEXT, (12, 21, "place")) == tags(TEXT, (13, 21, "place"))


def test_the_same_span_twice_is_one():
    assert tags(TEXT, (0, 7, "person"), (0, 7, "person")) == tags(TEXT, (0, 7, "person"))


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([(0, 5, "p")], r"span 0:5 'Ann L' \(p\) cuts the word 'Lee' \(4:7\)"),
        ([(1, 7, "p")], r"span 1:7 'nn Lee' \(p\) cuts the word 'Ann' \(0:3\)"),
        ([(0, 7, "p"), (4, 12, "q")], r"span 0:7 'Ann Lee' \(p\) and span 4:12 'Lee left' \(q\) overlap"),
        ([(0, 7, "p"), (0, 7, "q")], r"overlap"),
        ([(28, 99, "p")], r"span 28:99 \(p\) in a text of 33 characters"),
        ([(5, 5, "p")], r"span 5:5 \(p\)"),
        ([(7, 8, "p")], r"contains no word"),
    ],
)
def test_what_does_not_fit(spans, message):
    with pytest.raises(UserError, match=message):
        tags(TEXT, *spans)


def test_random_spans_of_words_hold_the_same_characters():
    draw = random.Random(5)
    words = words_of_text(TEXT * 3)
    for _ in range(50):
        cuts = sorted(draw.sample(range(len(words) + 1), 6))
        chosen = [(cuts[i], cuts[i + 1], draw.choice("ab")) for i in (0, 2, 4)]
        spans = [CharacterSpan(words[a].start, words[b - 1].end, kind) for a, b, kind in chosen]
        assert spans_of_words(TEXT * 3, words, draw.sample(spans, 3)) == chosen
        assert spans_of(tags_of_text(TEXT * 3, words, spans)) == chosen
