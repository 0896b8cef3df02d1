"""Questions with answers as the columns of batches: windows of ids, and where the answers begin and end in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from lingon.core.shapes import Int
from lingon.data.batches import Column, Loader, Padded, Values, text_batches
from lingon.data.questions import Question
from lingon.data.tokenizers import Tokenizer
from lingon.layers.losses import IGNORED
from lingon.tasks.answer.windows import Offsets, PassageWindows, Window, make_windows, token_span

NO_ANSWER = 0  # the place of a row that stands for "it is not in this window": its first token, [CLS]


@dataclass(frozen=True, eq=False)
class EncodedQuestions:
    """Windows of questions, and the places of their answers in the rows: starts, ends [W, A].

    A is the most answers that a question has; IGNORED where there are fewer. A window without an answer has NO_ANSWER
    once.
    """

    windows: PassageWindows
    starts: Int[np.ndarray, "W A"]
    ends: Int[np.ndarray, "W A"]

    def loader(self, pad: int, how: Mapping[str, Any]) -> Loader:
        """Return batches of windows: ids, mask, token_types, starts, ends, and the passage [begin, end) in each row."""
        rows = self.windows.rows
        passage = np.array([(row.begin, row.begin + row.tokens) for row in rows], np.int64).reshape(len(rows), 2)
        columns: dict[str, Column] = {
            "token_types": Padded("token_types", [row.token_types for row in rows]),
            "passage": Values("passage", passage),
            "starts": Values("starts", self.starts),
            "ends": Values("ends", self.ends),
        }
        return text_batches([row.ids for row in rows], columns=columns, pad=pad, **how)


def encode_questions(
    tokenizer: Tokenizer, questions: Sequence[Question], max_length: int, doc_stride: int
) -> EncodedQuestions:
    """Return the windows of questions and the places of their answers, each answer as often as it was given."""
    pairs = [(one.question, one.context) for one in questions]
    windows = make_windows(tokenizer, pairs, max_length, doc_stride)
    spans = [_spans(one, offsets) for one, offsets in zip(questions, windows.offsets, strict=True)]
    most = max((len(some) for some in spans), default=1) or 1
    found = np.full((len(windows.rows), most, 2), IGNORED, np.int64)
    for row, window in zip(found, windows.rows, strict=True):
        inside = _inside(window, spans[window.number]) or [(NO_ANSWER, NO_ANSWER)]
        row[: len(inside)] = inside
    return EncodedQuestions(windows, found[..., 0], found[..., 1])


def _spans(question: Question, offsets: Offsets) -> list[tuple[int, int]]:
    found = (token_span(offsets, answer) for answer in question.answers)
    return [span for span in found if span is not None]


def _inside(window: Window, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the places, in the row, of the spans that are whole in a window."""
    move = window.begin - window.first
    end = window.first + window.tokens
    return [(first + move, last + move) for first, last in spans if window.first <= first and last < end]


def in_passage(passage: Int[torch.Tensor, "B 2"], length: int) -> torch.Tensor:
    """Return where a row may be pointed at [B, T]: the tokens of its passage, and NO_ANSWER."""
    places = torch.arange(length, device=passage.device)
    found = (places >= passage[:, :1]) & (places < passage[:, 1:])
    found[:, NO_ANSWER] = True
    return found
