"""Windows of passages: every token is in one, spans lead back to characters, whatever the tokenizer."""

import itertools

import pytest

from lingon.data.questions import Answer, Question
from lingon.data.tokenizers import bpe, characters, unigram, wordpiece, words
from lingon.data.tokenizers.pair_template import pair_template
from lingon.layers.losses import IGNORED
from lingon.tasks.answer.encoding import NO_ANSWER, encode_questions, in_passage
from lingon.tasks.answer.windows import char_span, make_windows, token_span

CONTEXT = "Zoë Ánn  sang a long song in Łódź; nobody knew why she was singing the same song again and again, naïvely."
QUESTION = "Who sang?"
TEXTS = [CONTEXT, QUESTION, "the quick brown fox"] * 3
MAKE = {
    "words": lambda: words(TEXTS),
    "wordpiece": lambda: wordpiece(TEXTS, 60),
    "bpe": lambda: bpe(TEXTS, 280),
    "unigram": lambda: unigram(TEXTS, 280),
    "characters": lambda: characters(TEXTS),
}


@pytest.fixture(params=MAKE)
def tokenizer(request):
    return MAKE[request.param]().with_template()


def test_a_row_is_what_the_library_makes_of_the_pair(tokenizer):
    row = tokenizer.encode_pair(QUESTION, CONTEXT)
    (window,) = make_windows(tokenizer, [(QUESTION, CONTEXT)], 500, 11).rows
    assert (window.ids, window.token_types) == (row.ids, row.token_types)
    assert window.ids[window.begin : window.begin + window.tokens] == tokenizer.without_special_tokens().encode(CONTEXT)


def test_without_a_template_nothing_stands_between():
    bare = words(TEXTS)
    template = pair_template(bare.library)
    assert template.special == 0
    assert template.row([7, 5], [3]) == ([7, 5, 3], [0, 0, 1])
    assert template.second_start(2) == 2


@pytest.mark.parametrize(("max_length", "stride"), [(37, 7), (37, 0), (41, 100)])
def test_windows_cover_the_passage_and_overlap_by_the_stride(tokenizer, max_length, stride):
    found = make_windows(tokenizer, [(QUESTION, CONTEXT), ("Why?", CONTEXT)], max_length, stride)
    whole = tokenizer.without_special_tokens().encode(CONTEXT)
    for number in (0, 1):
        rows = [row for row in found.rows if row.number == number]
        covered = [place for row in rows for place in range(row.first, row.first + row.tokens)]
        assert sorted(set(covered)) == list(range(len(whole)))
        room = max(row.tokens for row in rows)
        for row, after in itertools.pairwise(rows):
            assert row.first + row.tokens - after.first == min(stride, room // 2)
        for row in rows:
            assert len(row.ids) == len(row.token_types) <= max_length
            assert row.ids[row.begin : row.begin + row.tokens] == whole[row.first : row.first + row.tokens]


def test_every_word_of_the_passage_is_found_again_by_its_tokens(tokenizer):
    offsets = tokenizer.without_special_tokens().offsets(CONTEXT)
    place = 0
    for word in CONTEXT.split():
        answer = Answer(word.strip(";,."), CONTEXT.index(word, place))
        place = answer.end
        span = token_span(offsets, answer)
        start, end = char_span(offsets, *span, CONTEXT)
        assert CONTEXT[start:end] == answer.text
    assert token_span(offsets, Answer(" ", 8)) is None or CONTEXT[slice(*char_span(offsets, 0, 0, CONTEXT))]


def test_a_long_question_is_cut_and_that_is_said(tokenizer):
    with pytest.warns(UserWarning, match="1 question is longer than 17 tokens; they are truncated"):
        rows = make_windows(tokenizer, [(CONTEXT, "a song")], 37, 5).rows
    assert all(len(row.ids) <= 37 for row in rows)


def test_answers_stand_in_the_windows_that_have_them_whole():
    tokenizer = words(TEXTS).with_template()
    question = Question(
        "1", "a b song d e song g h", "why", (Answer("song d e", 4), Answer("song", 13), Answer("song", 13))
    )
    # [CLS] why [SEP] and four tokens [SEP]: a b song d | song d e song | e song g h, counted from 0 by 2.
    found = encode_questions(tokenizer, [question], 8, 2)
    assert [(row.begin, row.first, row.tokens) for row in found.windows.rows] == [(3, 0, 4), (3, 2, 4), (3, 4, 4)]
    assert found.starts.tolist() == [[NO_ANSWER, IGNORED, IGNORED], [3, 6, 6], [4, 4, IGNORED]]
    assert found.ends.tolist() == [[NO_ANSWER, IGNORED, IGNORED], [5, 6, 6], [4, 4, IGNORED]]
    batch = next(iter(found.loader(0, {"max_tokens": 100, "shuffle": False})))
    able = in_passage(batch.passage, 8)
    assert able.tolist() == [[True, False, False, True, True, True, True, False]] * 3


def test_a_question_without_answers_points_at_the_beginning():
    tokenizer = words(TEXTS).with_template()
    found = encode_questions(tokenizer, [Question("1", "a b", "why", ())], 20, 5)
    assert (found.starts.tolist(), found.ends.tolist()) == ([[NO_ANSWER]], [[NO_ANSWER]])
