"""Questions on images as columns of batches: a row is an image with up to 16 of its questions."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lingon.core.errors import UserError
from lingon.data.batches import ByLength, GroupedTexts, Images, Loader
from lingon.data.image_questions import ImageQuestions
from lingon.data.tokenizers import Tokenizer
from lingon.layers.losses import IGNORED

MOST_QUESTIONS = 16  # of an image in one row
MOST_TOKENS = 200  # of a question


class ImageRows(NamedTuple):
    """Rows of batches. images: the image of each. questions: positions of its questions. ids: their token ids."""

    images: list[int]
    questions: list[list[int]]
    ids: list[list[list[int]]]


def image_rows(tokenizer: Tokenizer, data: ImageQuestions) -> ImageRows:
    """Return the questions of each image together, 16 at most in a row; images without a question have no row.

    Raises UserError for a question that is empty, or that has more than 200 tokens.
    """
    texts = list(dict.fromkeys(one.question for one in data.questions))
    known = dict(zip(texts, tokenizer.encode_batch(texts), strict=True))
    for text, ids in known.items():
        check_question(text, ids)
    rows = ImageRows([], [], [])
    for image, positions in enumerate(data.by_image()):
        for start in range(0, len(positions), MOST_QUESTIONS):
            some = positions[start : start + MOST_QUESTIONS]
            rows.images.append(image)
            rows.questions.append(some)
            rows.ids.append([known[data.questions[i].question] for i in some])
    return rows


def check_question(text: str, ids: Sequence[int]) -> None:
    """Raise UserError for a question without a token, or with more than 200."""
    if not ids:
        raise UserError(f"the question {text[:40]!r} is empty; ask something, as 'What colour is the circle?'")
    if len(ids) > MOST_TOKENS:
        raise UserError(f"a question of {len(ids):,} tokens, which begins {text[:60]!r}; at most {MOST_TOKENS}")


def loader(
    data: ImageQuestions, rows: ImageRows, answers: Mapping[str, int], pad: int, batch_size: int, **how: Any
) -> Loader:
    """Return batches with images [B, 3, H, W], ids and mask [B, Q, T], labels [B, Q].

    Images with as many questions go together, so that hardly a place is without a question. answers: the number of
    each; others are IGNORED, as are places without a question. how: seed, shuffle, rank and world.
    """
    labels = [[answers.get(data.questions[i].answer, IGNORED) for i in some] for some in rows.questions]
    whole = rows.images == list(range(len(data.names)))
    columns: dict[str, Any] = {
        "images": Images(data.pixels if whole else data.pixels[rows.images]),
        "questions": GroupedTexts(rows.ids, labels, pad, IGNORED),
    }
    sizes = np.array([len(some) for some in rows.questions])
    order = ByLength(sizes, batch_size * MOST_QUESTIONS, batch_size, how.get("seed", 0), how.get("shuffle", True))
    return Loader(columns, order, how.get("rank", 0), how.get("world", 1))
