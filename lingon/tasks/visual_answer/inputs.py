"""What an answerer is asked: pairs of an image and a question, in the ways that people give them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lingon.core.errors import UserError
from lingon.data.files.images import fit_image
from lingon.data.image_questions import ImageQuestion, ImageQuestions, NamedImage
from lingon.data.rgb_pixels import rgb_pixels
from lingon.data.tokenizers import Tokenizer


def as_questions(pairs: Sequence[Any], image_size: tuple[int, int]) -> ImageQuestions:
    """Return pairs of image and question as one data set, each image read once and brought to the size of the model.

    An image is a path, the bytes of a file, an array uint8 [H, W, 3] or [H, W], or a `NamedImage`; a pair may be one
    str with a tab between. All of an image is kept, on white where its shape is another. Raises UserError for what is
    no such pair, DataError naming a file that is not an image.
    """
    number: dict[Any, int] = {}
    images: list[NamedImage] = []
    questions = []
    for given in pairs:
        image, question = _pair(given)
        name, pixels = image if isinstance(image, NamedImage) else ("", image)
        key = name, id(pixels) if isinstance(pixels, np.ndarray) else pixels
        if key not in number:
            number[key] = len(images)
            images.append(_fitted(image, image_size))
        questions.append(ImageQuestion(number[key], question))
    pixels = np.stack([one.pixels for one in images]) if images else np.zeros((0, *image_size, 3), np.uint8)
    return ImageQuestions(pixels, questions, [one.name for one in images])


def _pair(given: Any) -> tuple[Any, str]:
    both = given.split("\t", 1) if isinstance(given, str) else given
    if not isinstance(both, tuple | list) or len(both) != 2 or not isinstance(both[1], str):
        raise UserError(
            f"{str(given)[:60]!r} is not an image with a question; give (image, question), or a line with a tab "
            "between, or: lingon ask BUNDLE --image photo.png 'A question?'"
        )
    if not both[1].strip():
        raise UserError("the question is empty; ask something, as 'What colour is the circle?'")
    return both[0], both[1]


def _fitted(image: Any, image_size: tuple[int, int]) -> NamedImage:
    """Read an image and bring it to the size that the model sees."""
    name = image.name if isinstance(image, NamedImage) else str(image) if isinstance(image, str | Path) else ""
    pixels = rgb_pixels(image.pixels if isinstance(image, NamedImage) else image, name or None)
    return NamedImage(name, fit_image(pixels, *image_size, fit="pad"))


class QuestionWords(NamedTuple):
    """Words of a question, punctuation left out. unknown: those that no training question had."""

    known: tuple[str, ...]
    unknown: tuple[str, ...]


def question_words(tokenizer: Tokenizer, question: str) -> QuestionWords:
    """Return the words of a question that the tokenizer knows, and those that it does not."""
    unknown_id = None if tokenizer.vocab.unknown is None else tokenizer.vocab[tokenizer.vocab.unknown]
    pairs = zip(tokenizer.encode(question), tokenizer.offsets(question), strict=True)
    spelt = [(question[start:end], id != unknown_id) for id, (start, end) in pairs]
    words = [(text, known) for text, known in spelt if any(c.isalnum() for c in text)]
    return QuestionWords(*(tuple(text for text, known in words if known == wanted) for wanted in (True, False)))
