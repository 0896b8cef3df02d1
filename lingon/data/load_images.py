"""Loads images with labels: a data set by name, or a user's folder with a subfolder for each class."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, one_of, suggest, too_few, unknown
from lingon.data.class_folders import ImageFolderReport, holds_class_folders, read_class_folders
from lingon.data.corpora import PICTURES, load_pictures
from lingon.data.corpora.images import IMAGES, load_image_set
from lingon.data.corpora.pictures import Pictures
from lingon.data.files.images import Fit
from lingon.data.files.lines import OnBadRow
from lingon.data.image_layout import CHANNELS, FITS, ImageLayout, layout_of
from lingon.data.labelled_images import ImageSplits, LabelledImages
from lingon.data.load_data import PARTS, SHARE, VALID_FOLDERS, shared_keys, tell_lines
from lingon.data.split import cut_rows

SHAPE = "labelled images"
SIZES = (4, 1024)  # pixels of a side


def holds_labelled_images(name_or_path: str | Path) -> bool:
    """Return whether this is the name of a set of labelled images, or a folder with images in subfolders."""
    name = str(name_or_path)
    if name in PICTURES or (name in IMAGES and IMAGES[name].shape == SHAPE):
        return True
    path = Path(name)
    return path.is_dir() and any(holds_class_folders(folder) for folder in (path, path / "train"))


def load_images(
    name_or_path: str | Path,
    size: int | None = None,
    fit: Fit | None = None,
    test: str | Path | None = None,
    valid: str | Path | None = None,
    on_bad_row: OnBadRow = "stop",
) -> ImageSplits:
    """Return training, validation and test images of a set by name, or of a folder with a subfolder for each class.

    size: height and width to resize images to; a set has its own, the default of a folder is the size of its first
    image, at most 64 pixels. fit: how images of another shape are fitted: centre-cropped (crop, the default), padded
    with white (pad), or stretched. test, valid: other such folders; without them a folder may hold the folders train,
    valid and test, else a fifth and a tenth of each class are held out; equal images stay together.
    """
    name, fit = str(name_or_path), _checked_fit(fit)
    if size is not None and not SIZES[0] <= size <= SIZES[1]:
        raise UserError(f"--image-size is {size}, expected {SIZES[0]} to {SIZES[1]} pixels")
    if name in PICTURES or name in IMAGES:
        if test or valid:
            raise UserError(f"{name!r} is a data set with fixed splits; leave --valid and --test out")
        _refuse_unlabelled(name)
        return _resized(_named(name), size, fit)
    return _of_folder(Path(name), size, fit, test, valid, on_bad_row)


def load_image_part(
    name_or_path: str | Path,
    part: str | None,
    layout: ImageLayout,
    known: Collection[str],
    on_bad_row: OnBadRow = "stop",
) -> LabelledImages:
    """Return images to score a model on: a set's test part, a folder's `test`, or all of a folder without parts.

    part: "train", "valid" or "test", as `load_images` divides, or "all". layout, known: layout and labels of the model.
    Raises UserError for an image with another label.
    """
    if part not in (None, "all", *PARTS):
        raise unknown("split", part, (*PARTS, "all"))
    name, path = str(name_or_path), Path(name_or_path)
    if not holds_labelled_images(name):
        hint = suggest(name, [*PICTURES, *(row.name for row in IMAGES.values() if row.shape == SHAPE)])
        raise UserError(f"{name!r} is neither a set of images nor a folder with a folder of images a class; {hint}")
    if name in PICTURES or name in IMAGES:
        splits = _named(name)
        found = _part(splits, part or "test")
        return _known(_in_layout(found, layout), known, name)
    if part in (None, "all") and not (path / "train").is_dir():
        found, report = read_class_folders(path, layout, on_bad_row)
        tell_lines(
            [
                *report.lines(),
                f"all {counted(len(found), 'image')}; --split test uses only those held out from training",
            ]
        )
        return _known(found, known, name)
    return _known(
        _part(_of_folder(path, None, layout.fit, None, None, on_bad_row, layout), part or "test"), known, name
    )


def _part(splits: ImageSplits, part: str) -> LabelledImages:
    if part != "all":
        return getattr(splits, part)
    parts = [getattr(splits, name) for name in PARTS]
    labels = [label for one in parts for label in one.labels]
    return LabelledImages(
        np.concatenate([one.pixels for one in parts]), labels, [p for one in parts for p in one.paths]
    )


def _checked_fit(fit: str | None) -> Any:
    if fit not in (None, *FITS):
        raise unknown("image fit", str(fit), FITS)
    return fit or "crop"


def _refuse_unlabelled(name: str) -> None:
    """Raise UserError for a set of images without labels."""
    if name in IMAGES and IMAGES[name].shape != SHAPE:
        known = one_of([*PICTURES, *(row.name for row in IMAGES.values() if row.shape == SHAPE)])
        raise UserError(f"{name!r} are {IMAGES[name].shape}; expected images with a label each: {known}")


def _named(name: str) -> ImageSplits:
    if name in IMAGES:
        return load_image_set(name)
    found = load_pictures(name)
    train, valid, test = (_as_images(getattr(found, part)) for part in PARTS)
    return ImageSplits(train, valid, test, name, {"name": name, "licence": PICTURES[name].licence, "augment": "shift"})


def _as_images(pictures: Pictures) -> LabelledImages:
    """Convert pictures to images; 0 is paper and 255 is ink, as in the pictures."""
    pixels = np.round(pictures.pixels * 255).astype(np.uint8)[..., None]
    return LabelledImages(pixels, [str(label) for label in pictures.labels.tolist()])


def _resized(splits: ImageSplits, size: int | None, fit: Fit) -> ImageSplits:
    if size is None:
        return splits
    layout = ImageLayout(size, size, splits.train.pixels.shape[-1], fit)
    train, valid, test = (_in_layout(getattr(splits, part), layout) for part in PARTS)
    return ImageSplits(train, valid, test, splits.name, {**splits.source, "fit": fit})


def _in_layout(images: LabelledImages, layout: ImageLayout) -> LabelledImages:
    if images.pixels.shape[1:] == (layout.height, layout.width, layout.channels):
        return images
    return LabelledImages(np.stack([layout.of(one) for one in images.pixels]), images.labels, images.paths)


def _known(images: LabelledImages, known: Collection[str], name: str) -> LabelledImages:
    if strangers := [label for label in images.label_counts() if label not in known]:
        raise UserError(f"{name}: the model does not know the label {strangers[0]!r}; it knows {one_of(known)}")
    return images


def _of_folder(
    path: Path,
    size: int | None,
    fit: Fit,
    test: str | Path | None,
    valid: str | Path | None,
    on_bad_row: OnBadRow,
    layout: ImageLayout | None = None,
) -> ImageSplits:
    """Return training, validation and test images of folders; the layout is that of the training images."""
    name = path.name
    if (path / "train").is_dir() and holds_class_folders(path / "train"):
        inside = {"test": [path / "test"], "valid": [path / other for other in VALID_FOLDERS]}
        have = {part: next((p for p in places if p.is_dir()), None) for part, places in inside.items()}
        path, test, valid = path / "train", test or have["test"], valid or have["valid"]
    examples, report = read_class_folders(path, layout, on_bad_row, size, fit)
    _refuse_no_classes(examples, path)
    layout = layout_of(examples.pixels, fit)
    said = report.lines()
    rest, held_out = (
        _cut(examples, "test") if test is None else (examples, _more(test, layout, examples, said, on_bad_row))
    )
    train, validation = (
        _cut(rest, "valid") if valid is None else (rest, _more(valid, layout, examples, said, on_bad_row))
    )
    if not len(validation) or not len(held_out):
        raise DataError(
            f"{path}: {too_few(len(examples), 'image')}; at least one class needs three or more different ones"
        )
    tell_lines([*said, *_warnings(path, examples), *shared_keys(_keys(train), _keys(held_out), "test images")])
    return ImageSplits(train, validation, held_out, name, _source(name, report, fit, (train, validation, held_out)))


def _more(
    folder: str | Path, layout: ImageLayout, of: LabelledImages, said: list[str], on_bad_row: OnBadRow
) -> LabelledImages:
    if not Path(folder).is_dir():
        raise UserError(f"there is no folder {str(folder)!r}; images to test on are in a folder for each class")
    found, report = read_class_folders(Path(folder), layout, on_bad_row)
    said += report.lines()
    return _known(found, of.label_counts(), str(folder))


def _cut(images: LabelledImages, purpose: str) -> tuple[LabelledImages, LabelledImages]:
    """Hold out a share of every class, the same images for every seed of a run."""
    cut = np.zeros(len(images), bool)
    cut[sorted(cut_rows(_keys(images), images.labels, SHARE[purpose], 0, purpose))] = True
    return images[np.flatnonzero(~cut)], images[np.flatnonzero(cut)]


def _keys(images: LabelledImages) -> list[str]:
    """Return a key for each image; equal images have equal keys."""
    import hashlib

    return [hashlib.sha256(one.tobytes()).hexdigest() for one in images.pixels]


def _refuse_no_classes(images: LabelledImages, path: Path) -> None:
    counts = images.label_counts()
    if len(counts) < 2:
        raise DataError(
            f"{path}: all {counted(len(images), 'image has', 'images have')} the class "
            f"{images.labels[0]!r}; two or more are needed"
        )


def _warnings(path: Path, images: LabelledImages) -> list[str]:
    single = [label for label, count in images.label_counts().items() if count == 1]
    said = [f"{path.name}: classes with one image, so in the training part alone: {one_of(map(repr, single))}"]
    return said if single else []


def _source(name: str, report: ImageFolderReport, fit: str, parts: tuple[LabelledImages, ...]) -> dict[str, Any]:
    import hashlib

    whole = hashlib.sha256()
    for part in parts:
        whole.update(part.pixels.tobytes() + "\0".join(part.labels).encode())
    _, height, width, channels = parts[0].pixels.shape
    pixels = f"{height} x {width}, {CHANNELS[channels]}"
    counts = dict(zip(PARTS, map(len, parts), strict=True))
    return {
        "name": name,
        "pixels": pixels,
        "fit": fit,
        "skipped": report.skipped,
        **counts,
        "sha256": whole.hexdigest(),
    }
