"""Questions and their passages as rows of ids: a long passage becomes several windows that overlap."""

import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from lingon.core.counted import counted
from lingon.data.questions import Answer
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.pair_template import PairTemplate, pair_template

Offsets = list[tuple[int, int]]


class Window(NamedTuple):
    """A question with a part of its passage.

    number: of the question. ids, token_types: of the row. begin: the place in the row where the passage begins.
    first: its first token, counted in the whole passage; tokens: how many of the passage are in it.
    """

    number: int
    ids: list[int]
    token_types: list[int]
    begin: int
    first: int
    tokens: int


class PassageWindows(NamedTuple):
    """Windows of several questions, in their order, and the offsets of each question's passage.

    offsets: [start, end) of each token of the passage, in characters; one list for all questions on a passage.
    """

    rows: list[Window]
    offsets: list[Offsets]


def make_windows(
    tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]], max_length: int, doc_stride: int
) -> PassageWindows:
    """Return the windows of pairs (question, context), each of at most `max_length` tokens.

    doc_stride: tokens by which windows of a passage overlap, at most half of a window. Of a question that fills more
    than half of a window the end is not read, which is reported.
    """
    bare, template = tokenizer.without_special_tokens(), pair_template(tokenizer.library)
    contexts = list(dict.fromkeys(context for _, context in pairs))
    offsets = {context: bare.offsets(context) for context in contexts}
    ids = dict(zip(contexts, bare.encode_batch(contexts), strict=True))
    asked, most = bare.encode_batch([question for question, _ in pairs]), max(1, (max_length - template.special) // 2)
    if cut := sum(len(question) > most for question in asked):
        warnings.warn(
            f"{counted(cut, 'question is', 'questions are')} longer than {most:,} tokens; they are truncated",
            stacklevel=3,
        )
    rows = [
        window
        for number, ((_, context), question) in enumerate(zip(pairs, asked, strict=True))
        for window in _windows(template, number, question[:most], ids[context], max_length, doc_stride)
    ]
    return PassageWindows(rows, [offsets[context] for _, context in pairs])


def _windows(
    template: PairTemplate, number: int, question: list[int], context: list[int], max_length: int, doc_stride: int
) -> Iterator[Window]:
    room = max(1, max_length - template.special - len(question))
    step = room - min(doc_stride, room // 2)
    first = 0
    while True:
        piece = context[first : first + room]
        row = template.row(question, piece)
        yield Window(number, row.ids, row.token_types, template.second_start(len(question)), first, len(piece))
        if first + room >= len(context):
            return
        first += step


def token_span(offsets: Offsets, answer: Answer) -> tuple[int, int] | None:
    """Return the first and the last token that an answer touches; None where no token does.

    >>> token_span([(0, 3), (4, 7), (7, 9), (10, 12)], Answer("is", 7))
    (2, 2)
    """
    ends = np.fromiter((end for _, end in offsets), np.int64, len(offsets))
    starts = np.fromiter((start for start, _ in offsets), np.int64, len(offsets))
    touched = np.flatnonzero((ends > answer.start) & (starts < answer.end) & (ends > starts))
    return (int(touched[0]), int(touched[-1])) if len(touched) else None


def char_span(offsets: Offsets, first: int, last: int, context: str) -> tuple[int, int]:
    """Return the characters from the first token to the last, without white space around them.

    >>> char_span([(0, 3), (3, 7)], 1, 1, "The cat")
    (4, 7)
    """
    start, end = offsets[first][0], offsets[last][1]
    text = context[start:end]
    return start + len(text) - len(text.lstrip()), end - (len(text) - len(text.rstrip()))
