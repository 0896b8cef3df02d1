"""What `lingon generate` does with an image generator: images or a walk of them, as one grid or as files."""

import sys
from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.tasks.registry import row_of

MOST_COLUMNS = 16  # of a grid


def makes_images(task: Any) -> bool:
    """Return whether a task generates images."""
    return row_of(task.name).role == "image-generator"


def generate_images(task: Any, out: Path | None, overwrite: bool, walk: bool, count: int | None, **how: Any) -> None:
    """Make images and write them. out: a file of an image, for a grid, or a folder, for files by number.

    overwrite: the file may be there already; a folder that is not empty is never written to. how: labels, seed and
    options of the sampling; see `generate` and `walk` of the task. Raises UserError where there is no place to write
    to, before an image is made.
    """
    from lingon.data.files.images import ENDINGS
    from lingon.data.files.table_writer import check_output

    if out is None:
        raise UserError("images need a place: --out grid.png writes all in one, --out FOLDER one file each")
    whole = out.suffix.lower() in ENDINGS
    if out.suffix and not whole:
        raise UserError(f"--out {str(out)!r} ends in {out.suffix!r}; expected a folder, or one of {', '.join(ENDINGS)}")
    if whole:
        check_output(out, None, overwrite)
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"--out {str(out)!r} exists and is not empty; give a new folder")
    make = task.walk if walk else task.generate
    pixels = make(count, **how)
    columns = len(pixels) if walk else _columns(len(pixels), len(how["labels"] or task.labels))
    print(f"wrote {_write(out, pixels, columns, whole)}", file=sys.stderr)


def _columns(count: int, labels: int) -> int:
    """Columns of a grid: one for each label that takes its turn, else as many as rows."""
    return labels if 1 < labels <= MOST_COLUMNS else max(1, round(count**0.5))


def _write(out: Path, pixels: Any, columns: int, whole: bool) -> str:
    from lingon.data.files.images import save_image
    from lingon.pages.image_grid import image_grid

    if whole:
        save_image(out, image_grid(pixels, columns))
        return f"{out}: {counted(len(pixels), 'image')}"
    out.mkdir(parents=True, exist_ok=True)
    digits = len(str(len(pixels) - 1))
    for i, one in enumerate(pixels):
        save_image(out / f"{i:0{digits}}.png", one)
    return f"{counted(len(pixels), 'image')} into {out}"
