"""Questions about images with their answers, and their division by image."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from lingon.core.errors import DataError, UserError, too_few
from lingon.data.cut_groups import cut_groups

__all__ = ["ImageQuestion", "ImageQuestionSplits", "ImageQuestions", "NamedImage"]

TYPE_WORDS = 2  # first words of a question that tell its type: "what color", "how many", "is there"


class NamedImage(NamedTuple):
    """An image, and its name in messages and pages. pixels: uint8 [H, W, C]."""

    name: str
    pixels: np.ndarray


@dataclass(frozen=True)
class ImageQuestion:
    """A question about an image. image: the index of its image. answer: "" if it is not known.

    type: the type of question given by the data set; "" if none is, then `question_type` is its first two words.
    """

    image: int
    question: str
    answer: str = ""
    type: str = ""

    @property
    def question_type(self) -> str:
        """Return the type of the question.

        >>> ImageQuestion(0, "What color is the circle?", "red").question_type
        'what color'
        """
        return self.type or " ".join(self.question.lower().split()[:TYPE_WORDS])


@dataclass(frozen=True)
class ImageQuestions:
    """Questions about images of one size.

    pixels: uint8 [M, H, W, 3], each image once. questions: N, each with the index of its image. names: of the M images,
    such as paths. Raises UserError for pixels of another type or shape, or a question about an image that is missing.
    """

    pixels: np.ndarray
    questions: list[ImageQuestion]
    names: list[str]

    def __post_init__(self):
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 4 or len(self.pixels) != len(self.names):
            raise UserError(
                f"pixels are {self.pixels.dtype} of shape {self.pixels.shape} for {len(self.names):,} names, "
                "expected uint8 [M, H, W, C] for M names"
            )
        if wrong := next((one for one in self.questions if not 0 <= one.image < len(self.pixels)), None):
            raise UserError(f"{wrong.question[:60]!r} is on image {wrong.image}, of {len(self.pixels):,}, from 0")

    def __len__(self) -> int:
        """Return the number of questions."""
        return len(self.questions)

    @property
    def image_size(self) -> tuple[int, int]:
        """Return height and width of the images, in pixels."""
        return self.pixels.shape[1], self.pixels.shape[2]

    def by_image(self) -> list[list[int]]:
        """Return the indices of the questions about each image, M lists."""
        found: list[list[int]] = [[] for _ in self.names]
        for position, one in enumerate(self.questions):
            found[one.image].append(position)
        return found

    def of_images(self, images: Sequence[int]) -> "ImageQuestions":
        """Return the questions about some images, with the images in the given order."""
        number = {image: i for i, image in enumerate(images)}
        kept = [one for one in self.questions if one.image in number]
        moved = [ImageQuestion(number[one.image], one.question, one.answer, one.type) for one in kept]
        return ImageQuestions(self.pixels[list(images)], moved, [self.names[i] for i in images])

    def answer_counts(self) -> dict[str, int]:
        """Return how often each answer is given, most frequent first, then alphabetically."""
        return dict(sorted(Counter(one.answer for one in self.questions).items(), key=lambda pair: (-pair[1], pair[0])))

    def image_keys(self) -> list[str]:
        """Return the sha256 of the pixels of each image: equal images have equal keys."""
        return [hashlib.sha256(image.tobytes()).hexdigest() for image in self.pixels]

    def checksum(self) -> str:
        """Return the sha256 of all questions, answers and images, in hex."""
        digest = hashlib.sha256("".join(self.image_keys()).encode())
        for one in self.questions:
            digest.update(repr((one.image, one.question, one.answer, one.type)).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class ImageQuestionSplits:
    """Training, validation and test questions, their name, and where they come from (stored in run.json)."""

    train: ImageQuestions
    valid: ImageQuestions
    test: ImageQuestions
    name: str
    source: dict[str, Any] = field(default_factory=dict)


def cut_images(data: ImageQuestions, share: float, purpose: str, name: str) -> tuple[ImageQuestions, ImageQuestions]:
    """Return the remaining questions, and a share of them with all of their images, chosen by the pixels alone.

    Equal images stay on one side. purpose: "test" or "valid"; each chooses different images. name: of the data.
    Raises DataError for fewer than two different images.
    """
    groups: dict[str, list[int]] = {}
    for image, key in enumerate(data.image_keys()):
        groups.setdefault(key, []).append(image)
    if len(groups) < 2:
        raise DataError(
            f"{name}: {too_few(len(groups), 'image')}; an image is for training, for validation or for the test"
        )
    counts = data.by_image()
    positions = {key: [p for image in images for p in counts[image]] for key, images in groups.items()}
    chosen = {image for key in cut_groups(positions, round(share * len(data)), purpose) for image in groups[key]}
    images = range(len(data.names))
    return data.of_images([i for i in images if i not in chosen]), data.of_images([i for i in images if i in chosen])


def shared_images(train: ImageQuestions, test: ImageQuestions, part: str = "test") -> list[str]:
    """Return a message about images of another part that are also in training; none if there are none."""
    known = set(train.image_keys())
    count = sum(key in known for key in test.image_keys())
    if not count:
        return []
    return [f"{count:,} of {len(test.names):,} {part} images are also in training; scores on them say less of new ones"]
