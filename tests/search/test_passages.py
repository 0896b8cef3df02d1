"""Passages: whole sentences, nothing lost, nothing too long, the overlap that was asked for; and the text of pages."""

import random
import time
from itertools import pairwise

import pytest

from lingon.core.errors import UserError
from lingon.search.html_text import html_text
from lingon.search.passages import TOKEN, check_sizes, cut

TEXT = "One two three. Four five six seven! Eight nine? Ten eleven twelve thirteen.\n\nFourteen"


def pieces(text, tokens, overlap):
    return [text[span.start : span.end] for span in cut(text, tokens, overlap)]


def test_whole_sentences_up_to_the_number_of_tokens():
    assert pieces(TEXT, 9, 0) == [
        "One two three. Four five six seven!",
        "Eight nine? Ten eleven twelve thirteen.\n\nFourteen",
    ]
    assert [span.tokens for span in cut(TEXT, 9, 0)] == [9, 9]


def test_a_passage_begins_with_the_end_of_the_one_before():
    found = pieces(TEXT, 9, 5)
    assert found == [
        "One two three. Four five six seven!",
        "Four five six seven! Eight nine?",
        "Eight nine? Ten eleven twelve thirteen.\n\nFourteen",
    ]


def test_nothing_is_lost_and_nothing_too_long():
    draw = random.Random(2)
    for _ in range(200):
        words = ["".join(draw.choices("ab東.!? \n", k=draw.randrange(1, 9))) for _ in range(draw.randrange(60))]
        text, most = " ".join(words), draw.choice([8, 11, 23])
        spans = list(cut(text, most, draw.choice([0, 3, most // 2])))
        covered = {i for span in spans for i in range(span.start, span.end)}
        assert all(text[i].isspace() for i in range(len(text)) if i not in covered)
        for span in spans:
            assert span.tokens == len(TOKEN.findall(text[span.start : span.end])) <= most
        assert all(a.start < b.start and a.end < b.end for a, b in pairwise(spans))


def test_a_sentence_that_is_too_long_is_cut_between_tokens():
    assert pieces("a " * 20, 8, 4) == ["a " * 7 + "a", "a " * 7 + "a", "a a a a"]
    assert pieces("東京都庁" * 5, 8, 0) == ["東京都庁" * 2, "東京都庁" * 2, "東京都庁"]


def test_sizes_that_make_no_passages():
    with pytest.raises(UserError, match="--passage-tokens 3; expected 8 to 100,000"):
        check_sizes(3, 0)
    with pytest.raises(UserError, match="--passage-overlap 9; expected 0 to half of --passage-tokens, 8"):
        check_sizes(16, 9)


@pytest.mark.parametrize(
    ("page", "title", "text"),
    [
        ("<title>A &lt; B</title><p>One\n<b>two</b>.<br>three", "A < B", "One two.\nthree"),
        ("<p>x<script>if (a < b) alert('no')</SCRIPT>y<style>p {}</style>z", "", "xyz"),
        ("a <!-- <p>no</p> -->b<!-- never closed <p>no", "", "a b"),
        ("1 < 2 & 3 > 2 &eacute;<p", "", "1 < 2 & 3 > 2 é"),
        ("<svg><title>no</title></svg><title>yes</title><ul><li>a<li>b</ul>", "yes", "a\nb"),
        ("<!DOCTYPE html><?xml x?><a title='b'>c</a>", "", "c"),
    ],
)
def test_the_text_of_a_page(page, title, text):
    assert html_text(page) == (title, text)


@pytest.mark.parametrize("unit", ["<", "<!--", "<!-", "<a ", "<script>", "</", "<?", "&", "<title>", "<p>", "&#"])
def test_a_broken_page_takes_time_in_proportion(unit):
    seconds = []
    for size in (20_000, 80_000):
        begun = time.process_time()
        html_text(unit * (size // len(unit)))
        seconds.append(time.process_time() - begun)
    assert seconds[1] < 0.05 + 10 * seconds[0]


@pytest.mark.parametrize("unit", ["a", " ", "\n", ".", ". ", "東", "a.\n"])
def test_cutting_takes_time_in_proportion(unit):
    seconds = []
    for size in (20_000, 80_000):
        begun = time.process_time()
        assert len(list(cut(unit * (size // len(unit)), 16, 4))) >= 0
        seconds.append(time.process_time() - begun)
    assert seconds[1] < 0.05 + 10 * seconds[0]
