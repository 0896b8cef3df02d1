"""Reading of the user's images from one folder per class into one array."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError
from lingon.core.progress import track
from lingon.core.terminal import printable
from lingon.data.files.image_memory import check_memory
from lingon.data.files.images import ENDINGS, Fit, fit_image, read_image
from lingon.data.files.lines import OnBadRow
from lingon.data.image_layout import CHANNELS, ImageLayout
from lingon.data.labelled_images import LabelledImages

USUAL_SIDE = 64  # pixels to which larger images are reduced
LOOKED_AT = 1000  # files of a folder that are checked for being images


@dataclass
class ImageFolderReport:
    """What was left out and changed in reading a folder."""

    folder: Path
    skipped: int = 0
    first_skipped: str = ""
    fitted: int = 0
    shape: tuple[int, ...] = ()
    loose: int = 0
    empty: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        name, found = self.folder.name, []
        if self.skipped:
            files = counted(self.skipped, "file that cannot be read is", "files that cannot be read are")
            found.append(f"{name}: {files} left out; the first: {self.first_skipped}")
        if self.loose:
            images = counted(self.loose, "image is", "images are")
            found.append(f"{name}: {images} in the folder of no class, and left out")
        if self.empty:
            found.append(f"{name}: no images in the folders {', '.join(map(printable, self.empty[:5]))}")
        if self.fitted:
            height, width, _ = self.shape
            images = counted(self.fitted, "image")
            fitted = "was" if self.fitted == 1 else "were"
            found.append(f"{name}: {images} had another size than {height} x {width} and {fitted} fitted to it")
        return found


def holds_class_folders(folder: Path) -> bool:
    """Return whether the subfolders of a folder contain more images than other files."""
    if not folder.is_dir():
        return False
    files = (path for one in _folders(folder) for path in one.rglob("*") if path.is_file())
    kinds = Counter(path.suffix.lower() in ENDINGS for path in islice(files, LOOKED_AT))
    return kinds[True] > kinds[False]


def read_class_folders(
    folder: Path,
    layout: ImageLayout | None = None,
    on_bad_row: OnBadRow = "stop",
    size: int | None = None,
    fit: Fit = "crop",
) -> tuple[LabelledImages, ImageFolderReport]:
    """Return the images in the subfolders of a folder, labelled with the name of their subfolder, and a report.

    layout: to which they are converted; by default `size` x `size`, or the size of the first image if up to 64 pixels,
    else 64 x 64; grey if all images are grey. Raises DataError for a file that is not an image (with "skip" it is
    counted instead), if there are no images, and for more than 4 GB of pixels.
    """
    report, files = ImageFolderReport(folder), list(_files(folder))
    if not files:
        raise DataError(f"{folder}: no images in folders, one for each class; expected files as cat/1{ENDINGS[0]}")
    report.loose = sum(path.suffix.lower() in ENDINGS for path in folder.iterdir() if path.is_file())
    with_some = {label for label, _ in files}
    report.empty = [one.name for one in _folders(folder) if one.name not in with_some]
    mode = "RGB" if layout is None else CHANNELS[layout.channels]
    pixels: list[np.ndarray] = []
    labels, paths = [], []
    with track(len(files), "reading images", "image") as bar:
        for label, path in files:
            bar.advance()
            try:
                found = read_image(path, mode)
            except DataError as error:
                if on_bad_row == "stop":
                    raise DataError(f"{error}; --on-bad-row skip leaves such files out") from None
                report.skipped, report.first_skipped = report.skipped + 1, report.first_skipped or str(error)
                continue
            layout = layout or _layout_of(found, size, fit)
            report.fitted += found.shape[:2] != (layout.height, layout.width)
            pixels.append(fit_image(found, layout.height, layout.width, layout.fit))
            if len(pixels) == 1:
                check_memory(len(files), pixels[0].shape[:2], folder, pixels[0].shape[2])
            labels.append(label)
            paths.append(path.relative_to(folder).as_posix())
    if not pixels:
        raise DataError(
            f"{folder}: none of {counted(len(files), 'file')} can be read; the first: {report.first_skipped}"
        )
    together, report.shape = _stacked(pixels, mode), pixels[0].shape
    return LabelledImages(together, labels, paths), report


def _folders(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield label and path of each image, in the order of their names."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "is not there"
        raise UserError(f"{str(folder)!r} {what}; expected a folder with a folder of images for each class")
    for one in _folders(folder):
        for place, _, names in sorted(os.walk(one)):
            for name in sorted(names):
                if Path(name).suffix.lower() in ENDINGS and not name.startswith("."):
                    yield one.name, Path(place, name)


def _layout_of(first: np.ndarray, size: int | None, fit: Fit) -> ImageLayout:
    height, width = first.shape[:2] if max(first.shape[:2]) <= USUAL_SIDE else (USUAL_SIDE, USUAL_SIDE)
    return ImageLayout(size or height, size or width, 3, fit)


def _stacked(pixels: list[np.ndarray], mode: str) -> np.ndarray:
    """Return all images as one array [N, H, W, C], with one channel if all are grey."""
    if mode == "RGB" and all((one == one[..., :1]).all() for one in pixels):
        return np.stack([one[..., :1] for one in pixels])
    return np.stack(pixels)
