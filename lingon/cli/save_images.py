"""What `lingon predict --out` writes where predictions are images, as masks and paintings are: a file, or a folder."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lingon.core.errors import UserError
from lingon.data.files.images import ENDINGS
from lingon.data.files.table_writer import ENDINGS as TABLES
from lingon.data.files.table_writer import check_output
from lingon.tasks.registry import TASKS


def saves_images(task: Any, out: Path, name: str) -> bool:
    """Return whether the predictions of a task are images, and `out` does not ask for a table of them.

    Such a task `makes_images` in its row, and its predictions have a method `save(path)`. name: of the model. Raises
    UserError for the name of an image where a task makes none.
    """
    if TASKS[task.name].makes_images:
        return out.suffix.lower() not in TABLES
    if out.suffix.lower() in ENDINGS:
        raise UserError(f"{name!r} makes no pictures; --out {str(out)!r} must be a table, as out.csv")
    return False


def save_images(task: Any, paths: Sequence[Path], name: str, out: Path, page: Path | None, overwrite: bool) -> None:
    """Write the prediction of each image as an image, one at a time, and print their lines; and a page of them.

    out: the file for one image, or a folder, in which each is a png with the name of its image. name: of the model.
    Raises UserError for names that are there already or that two images share, before any work.
    """
    targets = _targets(paths, out, getattr(task, "image_endings", ENDINGS))
    for path, target in zip(paths, targets, strict=True):
        check_output(target, path, overwrite)
    kept = []
    for path, target in zip(paths, targets, strict=True):
        (found,) = task.predict([str(path)])
        print(f"{found.save(target)}: {found}", flush=True)
        kept += [found] if page else []
    if page:
        print(f"wrote {task.write_page(page, kept, name)}", file=sys.stderr)


def _targets(paths: Sequence[Path], out: Path, endings: Sequence[str]) -> list[Path]:
    if out.suffix and not out.is_dir():
        if len(paths) > 1:
            raise UserError(f"--out {str(out)!r} is one picture, and there are {len(paths):,} photos; name a folder")
        if out.suffix.lower() not in endings:
            raise UserError(f"--out {str(out)!r} ends in {out.suffix!r}; expected {', '.join(endings)}, or a folder")
        return [out]
    targets = [out / f"{path.stem}.png" for path in paths]
    twice = next((target for i, target in enumerate(targets) if target in targets[:i]), None)
    if twice is not None:
        raise UserError(f"--out {str(out)!r}: two of the images would be {twice.name!r}; give them one after the other")
    return targets
