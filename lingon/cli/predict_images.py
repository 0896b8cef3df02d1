"""What `lingon predict` does with images: files or folders of them in, predictions, a table or a page out."""

import sys
from collections.abc import Sequence
from os.path import isfile  # False of a text that can be no path
from pathlib import Path
from typing import Any

from lingon.cli.save_images import save_images, saves_images
from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError
from lingon.core.progress import track
from lingon.core.strict_json import dumps
from lingon.data.files.images import ENDINGS, image_paths, read_image
from lingon.data.files.table_writer import check_table, holds_lists, table_writer
from lingon.tasks.registry import row_of
from lingon.tasks.task import columns

AT_ONCE = 64  # images that are in memory together


def reads_images(task: Any) -> bool:
    """Return whether a task predicts of images, by their paths."""
    return row_of(task.name).inputs == "images"


def reads_questions_on_images(task: Any) -> bool:
    """Return whether a task predicts of questions on images, by pairs of the two."""
    return row_of(task.name).inputs == "questions on images"


def refuse_text_options(name: str, **given: Any) -> None:
    """Raise UserError for an option of texts that is given for a model of images. name: of the model."""
    if wrong := next((option for option, value in given.items() if value), None):
        raise UserError(f"--{wrong.replace('_', '-')} is for texts, and {name!r} reads images; leave it out")


def refuse_images(name: str, texts: Sequence[str] | None) -> None:
    """Raise UserError for a text that is the name of an image file that is there. name: of a model of texts."""
    for text in texts or ():
        if Path(text).suffix.lower() in ENDINGS and isfile(text):
            raise UserError(f"{text!r} is an image, and {name!r} reads texts; give a text, or a model of images")


def predict_images(
    task: Any,
    given: Sequence[str] | None,
    name: str,
    format: str = "text",
    page: Path | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    skip: bool = False,
) -> None:
    """Print the prediction of each image, or write them as a table (`out`); and a page of them where one is wanted.

    Where predictions are images, `out` is the file of the one, or a folder for several.

    given: files, or folders of images. name: of the model. skip: leave out and count files that cannot be read. Raises
    UserError for what is not there, DataError for a file that is not an image, before anything is written.
    """
    if not given:
        raise UserError(f"{name!r} reads images; give files or folders of images, as photo.jpg")
    paths = image_paths(list(given))
    paths = _readable(paths) if skip else paths
    if out and saves_images(task, out, name):
        save_images(task, paths, name, out, page, overwrite)
        return
    if out:
        check_table(out, paths[0], overwrite)
    found = []
    with track(len(paths), "predicting", "image") as bar:
        for start in range(0, len(paths), AT_ONCE):
            group = paths[start : start + AT_ONCE]
            found += _predicted(task, group, alone=len(paths) == 1)
            bar.advance(len(group))
    if page:
        print(f"wrote {task.write_page(page, found, name)}", file=sys.stderr)
    if out:
        lists = holds_lists(out)
        with table_writer(out) as write:
            write([{"image": str(path)} | columns(one, lists) for path, one in zip(paths, found, strict=True)])
        print(f"{out}: {counted(len(found), 'row')}")
        return
    for one in found:
        print(dumps(one.row()) if format == "jsonl" else one, flush=True)


def _predicted(task: Any, paths: Sequence[Path], alone: bool) -> list[Any]:
    try:
        return task.predict([str(path) for path in paths])
    except DataError as error:
        if alone or not any(_wrong(path) for path in paths):
            raise
        raise DataError(f"{error}; --on-bad-row skip leaves such files out") from None


def _readable(paths: Sequence[Path]) -> list[Path]:
    """Return the files that can be read as images, and say on stderr how many others there are, and the first."""
    wrong = [_wrong(path) for path in paths]
    bad = [error for error in wrong if error]
    if bad:
        files = counted(len(bad), "file that cannot be read is", "files that cannot be read are")
        print(f"{files} left out; the first: {bad[0]}", file=sys.stderr)
    if len(bad) == len(paths):
        raise DataError("none of these files can be read as an image")
    return [path for path, error in zip(paths, wrong, strict=True) if not error]


def _wrong(path: Path) -> str:
    try:
        read_image(path, "RGB")
    except DataError as error:
        return str(error)
    return ""
