"""BCCD: microscope images of blood, with boxes around red and white cells and platelets."""

from pathlib import Path
from typing import TYPE_CHECKING

from lingon.data.files.archives import read_members
from lingon.data.sources import RepositoryTree

if TYPE_CHECKING:
    from lingon.data.boxed_images import BoxedImage, BoxSplits
    from lingon.data.files.box_annotations import AnnotatedImage

BCCD = RepositoryTree(
    "Shenggan/BCCD_Dataset",
    "d272fb14cdff6e473fafeeeba32aba5f560e9e43",
    ("BCCD/", "LICENSE"),
    9_369_600,
    "b5fa7e32e92e3cfdbc59cdfbc09b4ff959804ac2a06c7ed59f89833c1fd97879",
)
LISTS = {"train": "train", "valid": "val", "test": "test"}


def bccd(path: Path) -> "BoxSplits":
    """Return BCCD: 205, 87 and 72 photos of 640 x 480 pixels in the official splits, with 4,888 boxes.

    Two boxes, of red cells, have size 0 and are left out.
    """
    # Imported here, because boxes need torch, and the table of sets must be readable without it.
    from lingon.data.boxed_images import BoxSplits
    from lingon.data.read_boxes import BoxReport, boxed_images

    files = dict(read_members(path, r"BCCD/(Annotations/.*\.xml|JPEGImages/.*\.jpg|ImageSets/Main/.*\.txt)"))
    report = BoxReport("skip")
    parts: dict[str, list[BoxedImage]] = {}
    for part, name in LISTS.items():
        stems = files[f"BCCD/ImageSets/Main/{name}.txt"].decode().split()
        parts[part] = boxed_images([_annotated(files, stem) for stem in stems], report)
    source = {"name": "bccd", **BCCD.provenance(), **{part: len(images) for part, images in parts.items()}}
    return BoxSplits(parts["train"], parts["valid"], parts["test"], "bccd", source)


def _annotated(files: dict[str, bytes], stem: str) -> "AnnotatedImage":
    from lingon.data.files.voc import read_voc

    place, image = f"BCCD/Annotations/{stem}.xml", f"BCCD/JPEGImages/{stem}.jpg"
    return read_voc(files[place], place, files[image], f"{stem}.jpg")
