"""easy-VQA: questions on synthetic images of one coloured shape, with one-word answers."""

import json
import re
from pathlib import Path

import numpy as np

from lingon.core.errors import DataError
from lingon.data.files.archives import read_members
from lingon.data.files.images import read_image
from lingon.data.image_questions import ImageQuestion, ImageQuestions, ImageQuestionSplits, cut_images
from lingon.data.sources import Package

VALID = 0.1  # of the training questions, with their images
WANTED = r"easy_vqa/data/(train|test)/(questions\.json|images/\d+\.png)"
PACKAGE = Package(
    "pypi",
    "easy-vqa",
    "1.0",
    "easy_vqa-1.0-py3-none-any.whl",
    3_215_672,
    "fcb51b309b78c7b00f97b64cdbcbcf5c105f94da1b39c0796cee5a787c4f650f",
)


def easy_vqa(path: Path) -> ImageQuestionSplits:
    """Return easy-VQA (Zhou 2019): 4,000 training images of 64 x 64 pixels, 1,000 of the official test set.

    A tenth of the training images, selected by their pixels, is for validation. Raises DataError for another archive.
    """
    files = {name.removeprefix("easy_vqa/data/"): data for name, data in read_members(path, WANTED)}
    whole, test = (_part(files, part) for part in ("train", "test"))
    train, valid = cut_images(whole, VALID, "valid", "easy-vqa")
    return ImageQuestionSplits(train, valid, test, "easy-vqa", {"name": "easy-vqa"})


def _part(files: dict[str, bytes], part: str) -> ImageQuestions:
    if f"{part}/questions.json" not in files:
        raise DataError(f"easy-vqa: no {part}/questions.json in the package; do not use it")
    numbers = sorted(int(found[1]) for name in files if (found := re.fullmatch(rf"{part}/images/(\d+)\.png", name)))
    names = [f"{part}/images/{number}.png" for number in numbers]
    row = {number: i for i, number in enumerate(numbers)}
    pixels = np.stack([read_image(files[name], name=name) for name in names])
    asked = json.loads(files[f"{part}/questions.json"])
    return ImageQuestions(pixels, [ImageQuestion(row[image], text, answer) for text, answer, image in asked], names)
