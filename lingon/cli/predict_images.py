"""What `lingon predict` does with images: files or folders of them in, predictions, a table or a page out."""

import sys
from collections.abc import Sequence
from os.path import isfile  # False of a text that can be no path
from pathlib import Path
from typing import Any

from lingon.cli.save_images import save_images, saves_images
from lingon.core.errors import UserError
from lingon.core.strict_json import dumps
from lingon.data.files.images import ENDINGS, image_paths
from lingon.data.files.table_writer import check_table, table_writer
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
) -> None:
    """Print the prediction of each image, or write them as a table (`out`); and a page of them where one is wanted.

    Where predictions are images, `out` is the file of the one, or a folder for several.

    given: files, or folders of images. name: of the model. Raises UserError for what is not there, DataError for a
    file that is no image, before anything is written.
    """
    if not given:
        raise UserError(f"{name!r} reads images; give files or folders of images, as photo.jpg")
    paths = image_paths(list(given))
    if out and saves_images(task, out, name):
        save_images(task, paths, name, out, page, overwrite)
        return
    if out:
        check_table(out, paths[0], overwrite)
    groups = (paths[start : start + AT_ONCE] for start in range(0, len(paths), AT_ONCE))
    found = [one for group in groups for one in task.predict([str(path) for path in group])]
    if page:
        print(f"wrote {task.write_page(page, found, name)}", file=sys.stderr)
    if out:
        with table_writer(out) as write:
            write([{"image": str(path)} | columns(one) for path, one in zip(paths, found, strict=True)])
        print(f"{out}: {len(found):,} rows")
        return
    for one in found:
        print(dumps(one.row()) if format == "jsonl" else one, flush=True)
