"""Folders of annotated images in the usual layouts of Pascal VOC, YOLO and COCO, with or without splits."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from lingon.core.counted import counted
from lingon.core.errors import DataError, UserError, one_of
from lingon.data.files import yolo
from lingon.data.files.box_annotations import AnnotatedImage
from lingon.data.files.coco import read_coco
from lingon.data.files.images import ENDINGS
from lingon.data.files.part_files import entries_by_part
from lingon.data.files.voc import filename_in, read_voc

Read = Callable[[], Sequence[AnnotatedImage | DataError]]  # an error for a broken file about one image
PARTS = {"train": "train", "val": "valid", "valid": "valid", "test": "test"}  # names of lists in Pascal VOC
FORMS = (
    "a folder of Pascal VOC (.xml beside the images, or Annotations and JPEGImages), a folder of YOLO with data.yaml, "
    "classes.txt or obj.names, or a .json of COCO"
)


def annotated_parts(path: Path, images: Path | None = None) -> dict[str, Read]:
    """Return functions that read each split of a data set: train, and valid and test if it has them.

    path: a .json of COCO, a data.yaml, or a folder. images: the folder of the images of a .json, if these are not
    beside it, or there in `images` or a folder with the file's name. Raises UserError for anything else.
    """
    if path.is_file():
        return _of_file(path, images)
    if not path.is_dir():
        raise UserError(f"there is no file or folder {str(path)!r}; expected {FORMS}")
    return _of_folder(path, images)


def _of_file(path: Path, images: Path | None) -> dict[str, Read]:
    if path.suffix == ".json":
        return {"train": partial(_coco, path, images)}
    if path.suffix in (".yaml", ".yml"):
        return _of_yaml(path)
    if path.suffix == ".xml":
        return {"train": partial(_voc, [path])}
    raise UserError(f"{str(path)!r} has no boxes; expected {FORMS}")


def _of_folder(path: Path, images: Path | None) -> dict[str, Read]:
    if yamls := sorted([*path.glob("*.yaml"), *path.glob("*.yml")]):
        return _of_yaml(yamls[0])
    inside = [one for one in sorted(path.iterdir()) if one.is_dir()]
    for folder in (path, *(inside if len(inside) == 1 else [])):  # archives often contain a single folder
        if (folder / "Annotations").is_dir():
            return _of_devkit(folder)
    if names := _names_file(path):
        return {"train": partial(_yolo, _images_in(path), yolo.read_names(names))}
    if any(path.glob("*.xml")):
        return {"train": partial(_voc, sorted(path.glob("*.xml")))}
    if (parts := _named_parts(path, images)) and "train" in parts:
        return parts
    if len(found := sorted(path.glob("*.json"))) == 1:
        return {"train": partial(_coco, found[0], images)}
    raise UserError(f"{path}: no annotations of boxes in it; expected {FORMS}")


def _named_parts(path: Path, images: Path | None) -> dict[str, Read]:
    """Return the splits in folders train, valid and test, or in a .json for each, here or in `annotations`."""
    found: dict[str, Read] = {}
    for folder in (path, path / "annotations"):
        for part, entries in entries_by_part(folder).items():
            jsons = [one for one in entries if one.suffix == ".json"]
            inside = [one for one in entries if one.is_dir() and (any(one.glob("*.xml")) or any(one.glob("*.json")))]
            if len(chosen := jsons or inside) > 1:
                raise DataError(f"{folder}: several files for {part}: {one_of(one.name for one in chosen)}; keep one")
            for one in chosen:
                found.setdefault(
                    part, partial(_coco, one, images) if one in jsons else _of_folder(one, images)["train"]
                )
    return found


def _of_devkit(folder: Path) -> dict[str, Read]:
    """Return the splits of Annotations and JPEGImages, with optional lists of images in ImageSets/Main."""
    annotations = folder / "Annotations"
    lists = {PARTS[one.stem]: one for one in sorted(folder.glob("ImageSets/Main/*.txt")) if one.stem in PARTS}
    if "train" not in lists:
        return {"train": partial(_voc, sorted(annotations.glob("*.xml")))}
    named = {part: [line.split()[0] for line in yolo.read_lines(one) if line.strip()] for part, one in lists.items()}
    for part, names in named.items():
        for name in names:
            _check_inside(name, str(lists[part]), "the name", "annotations")
    return {part: partial(_voc, [annotations / f"{name}.xml" for name in names]) for part, names in named.items()}


def _voc(files: list[Path]) -> list[AnnotatedImage | DataError]:
    if not files:
        raise DataError("no .xml file with annotations")
    return list(map(_voc_file, files))


def _voc_file(file: Path) -> AnnotatedImage | DataError:
    if not file.is_file():
        return DataError(f"there is no annotation {str(file)!r}, which a list of ImageSets names")
    data = file.read_bytes()
    try:
        image = image_beside(file, filename_in(data, str(file)))
        return read_voc(data, str(file), image, image.name)
    except DataError as error:
        return error


def image_beside(file: Path, noted: str | None) -> Path:
    """Return the image of an annotation: with its name, else the name in it, beside it or in JPEGImages.

    If there is none, a path that does not exist is returned.
    """
    folders = [folder for folder in (file.parent, *_siblings(file.parent)) if folder.is_dir()]
    for folder in folders:
        for name in (*(file.stem + end for ends in ENDINGS for end in (ends, ends.upper())), noted):
            if name and (folder / name).is_file():
                return folder / name
    return folders[-1] / (noted or f"{file.stem}.jpg")


def _siblings(folder: Path) -> tuple[Path, ...]:
    return folder.parent / "images", folder.parent / "JPEGImages"


def _coco(file: Path, images: Path | None) -> Sequence[AnnotatedImage]:
    if images is not None and not images.is_dir():
        raise UserError(f"--images {str(images)!r} is not a folder")
    stem = file.stem.removeprefix("instances_").removesuffix(".coco")
    near = (file.parent, file.parent.parent)
    places = [images] if images else [place for one in near for place in (one, one / "images", one / stem)]
    return read_coco(file, lambda name, where: _inside(places, name, where))


def _inside(places: list[Path], name: str, where: str) -> Path:
    """Return the file of that name in the first folder that has it. Raises DataError for a name that leads out."""
    _check_inside(name, where, "file_name", "images")
    return next((place / name for place in places if (place / name).is_file()), places[0] / name)


def _check_inside(name: str, where: str, what: str, of: str) -> None:
    """Raise DataError for a name outside of its folder. where: the file with the name. of: content of the folder."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise DataError(f"{where}: {what} {name[:60]!r} leads out of the folder of the {of}")


def _of_yaml(path: Path) -> dict[str, Read]:
    names, paths, root = yolo.read_data_yaml(path)
    starts = [path.parent / (root or "."), path.parent]
    if "train" not in paths:
        raise DataError(f"{path}: no `train:` in it, the folder of the images to train on")
    found = {part: [image for one in given for image in _listed(path, starts, one)] for part, given in paths.items()}
    return {part: partial(_yolo, images, names) for part, images in found.items()}


def _listed(path: Path, starts: list[Path], given: str) -> Iterator[Path]:
    """Yield the images of an entry of data.yaml, which is a folder or a text file with a list."""
    plain = given.removeprefix("../")  # written by Roboflow for a folder beside the file
    for place in (start / name for start in starts for name in (given, plain)):
        if place.is_dir():
            yield from _images_in(place)
            return
        if place.is_file():
            lines = (line.strip() for line in yolo.read_lines(place))
            yield from (place.parent / line for line in lines if line)
            return
    raise DataError(f"{path}: there is no folder or list of images {given!r}")


def _images_in(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*") if one.suffix.lower() in ENDINGS and one.is_file())


def _names_file(path: Path) -> Path | None:
    places = (folder / name for folder in (path, path / "labels") for name in yolo.NAME_FILES)
    return next((place for place in places if place.is_file()), None)


def _yolo(images: list[Path], names: list[str]) -> Sequence[AnnotatedImage]:
    labels = [labels_of(image) for image in images]
    if not images:
        raise DataError("no images in the folder of YOLO's annotations")
    if not any(one.is_file() for one in labels):
        raise DataError(f"{images[0]}: there is no {labels[0]}, and no other image has a text file of boxes either")
    for folder in dict.fromkeys(one.parent for one in labels):
        _check_all_have_images(folder, {one.stem for one in labels if one.parent == folder})
    return [yolo.read_yolo(image, beside, names) for image, beside in zip(images, labels, strict=True)]


def labels_of(image: Path) -> Path:
    """Return the label file of an image: in the folder `labels` in place of the last `images`, else beside it."""
    parts = list(image.parts)
    places = [i for i, name in enumerate(parts[:-1]) if name == "images"]
    if places:
        parts[places[-1]] = "labels"
        other = Path(*parts).with_suffix(".txt")
        if other.is_file() or other.parent.is_dir():
            return other
    return image.with_suffix(".txt")


def _check_all_have_images(folder: Path, stems: set[str]) -> None:
    """Raise DataError for a label file without an image, in a folder that contains only labels."""
    if folder.name != "labels" and "labels" not in folder.parts:
        return
    alone = [one for one in sorted(folder.glob("*.txt")) if one.stem not in stems and one.name not in yolo.NAME_FILES]
    if alone:
        raise DataError(f"{alone[0]}: boxes of an image that is not there ({counted(len(alone), 'such file')})")
