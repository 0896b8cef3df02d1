"""Loads questions about images: a corpus by name, or a user's table with paths of images."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.errors import DataError, UserError, suggest, unknown
from lingon.core.files import sha256_of
from lingon.data.corpora.images import IMAGES, load_image_set
from lingon.data.files.image_memory import check_memory
from lingon.data.files.image_question_rows import ImageQuestionTable
from lingon.data.files.images import fit_image
from lingon.data.files.lines import FileOptions, OnBadRow
from lingon.data.image_questions import (
    ImageQuestion,
    ImageQuestions,
    ImageQuestionSplits,
    cut_images,
    shared_images,
)
from lingon.data.load_data import PARTS, SHARE, tell_lines

__all__ = ["load_image_question_splits", "load_image_questions"]

SHAPE = "questions on images"
SIZE = 64  # pixels of a side, of a user's images
ImageSize = tuple[int, int]


def load_image_question_splits(
    name_or_path: str | Path,
    test: str | Path | None = None,
    valid: str | Path | None = None,
    on_bad_row: OnBadRow = "stop",
    options: FileOptions = FileOptions(),
    image_size: int | None = None,
) -> ImageQuestionSplits:
    """Return training, validation and test questions of a corpus, or of a table with columns image, question, answer.

    test, valid: tables to test and validate on. By default a fifth of the questions is held out for the test, and a
    tenth of the others for validation, by whole images, always the same ones. image_size: side in pixels to resize
    images to; by default that of the corpus, or 64. Raises UserError for other data, DataError with file and line.
    """
    name = str(name_or_path)
    if name in IMAGES:
        if test or valid or options.given:
            raise UserError(f"{name!r} has fixed splits; leave --test, --valid, --encoding and --quoting out")
        return _corpus(name, image_size)
    size = (image_size or SIZE, image_size or SIZE)
    files = {"train": Path(name)} | {p: Path(f) for p, f in (("test", test), ("valid", valid)) if f is not None}
    found = {part: _read(file, size, on_bad_row, options) for part, file in files.items()}
    for part in ("test", "valid"):
        if part in found:
            tell_lines(shared_images(found["train"], found[part], part))
        else:
            found["train"], found[part] = cut_images(found["train"], SHARE[part], part, name)
    if not len(found["train"]):
        raise DataError(f"{name}: no image is left to train on; at least three different ones are needed")
    source: dict[str, Any] = {"name": Path(name).name}
    source["files"] = {part: {"name": f.name, "sha256": sha256_of(f)} for part, f in files.items()}
    return _with_counts(ImageQuestionSplits(found["train"], found["valid"], found["test"], Path(name).name, source))


def load_image_questions(
    name_or_path: str | Path,
    part: str | None = None,
    on_bad_row: OnBadRow = "stop",
    options: FileOptions = FileOptions(),
    image_size: ImageSize = (SIZE, SIZE),
) -> ImageQuestions:
    """Return questions to evaluate on: a corpus's test part, or all of a table; `part` selects another one.

    part: "train", "valid" or "test", as `load_image_question_splits` divides, or "all". image_size: height and width.
    """
    name = str(name_or_path)
    if part not in (None, "all", *PARTS):
        raise unknown("split", part, (*PARTS, "all"))
    if name not in IMAGES and part in (None, "all"):
        return _read(Path(name), image_size, on_bad_row, options)
    if name in IMAGES:
        splits = _corpus(name, None)
    else:
        whole = _read(Path(name), image_size, on_bad_row, options)
        rest, test = cut_images(whole, SHARE["test"], "test", name)
        splits = ImageQuestionSplits(*cut_images(rest, SHARE["valid"], "valid", name), test, name)
    found = _joined([getattr(splits, p) for p in PARTS]) if part == "all" else getattr(splits, part or "test")
    return _resized(found, image_size)


def _corpus(name: str, image_size: int | None) -> ImageQuestionSplits:
    row = IMAGES[name]
    if row.shape != SHAPE:
        known = [other.name for other in IMAGES.values() if other.shape == SHAPE]
        raise UserError(f"{name!r} holds {row.shape}, expected {SHAPE}; known: {', '.join(known)}")
    splits = load_image_set(name)
    if image_size is not None:
        parts = {part: _resized(getattr(splits, part), (image_size, image_size)) for part in PARTS}
        splits = replace(splits, **parts)
    return _with_counts(replace(splits, source={**splits.source, **row.source.provenance(), "licence": row.licence}))


def _with_counts(splits: ImageQuestionSplits) -> ImageQuestionSplits:
    parts = {part: getattr(splits, part) for part in PARTS}
    counts = {part: {"questions": len(some), "images": len(some.names)} for part, some in parts.items()}
    sums = {"sha256": {part: some.checksum() for part, some in parts.items()}}
    return replace(splits, source={**splits.source, "image_size": list(splits.train.image_size), **counts, **sums})


def _read(path: Path, size: ImageSize, on_bad_row: OnBadRow, options: FileOptions) -> ImageQuestions:
    """Return all questions of a table, each image once; skipped rows are reported."""
    if not path.is_file():
        known = [row.name for row in IMAGES.values() if row.shape == SHAPE]
        raise UserError(
            f"{str(path)!r} is neither a corpus of questions on images nor a file; {suggest(path.name, known)}"
        )
    table = ImageQuestionTable(path, size, skip=on_bad_row == "skip", options=options)
    number: dict[str, int] = {}
    pixels: list[np.ndarray] = []
    questions: list[ImageQuestion] = []
    for row in table.rows():
        if row.image.name not in number:
            number[row.image.name] = len(pixels)
            pixels.append(row.image.pixels)
            check_memory(len(pixels), size, path)
        questions.append(ImageQuestion(number[row.image.name], row.question, row.answer, row.type))
    tell_lines(table.messages())
    if not questions:
        raise DataError(
            f"{path}: no row with an image, a question and an answer; {table.first_skipped or 'it is empty'}"
        )
    return ImageQuestions(np.stack(pixels), questions, list(number))


def _resized(data: ImageQuestions, size: ImageSize) -> ImageQuestions:
    if data.image_size == size or not len(data.names):
        return data
    return replace(data, pixels=np.stack([fit_image(image, *size, fit="pad") for image in data.pixels]))


def _joined(parts: list[ImageQuestions]) -> ImageQuestions:
    questions, start = [], 0
    for part in parts:
        questions += [replace(one, image=one.image + start) for one in part.questions]
        start += len(part.names)
    names = [name for part in parts for name in part.names]
    return ImageQuestions(np.concatenate([part.pixels for part in parts]), questions, names)
