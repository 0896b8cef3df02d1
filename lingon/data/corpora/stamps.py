"""The stamps of Tux Paint: parser, cache and splits."""

import contextlib
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from lingon.core.errors import DataError
from lingon.core.files import atomic_write, cache_dir, read_json, write_json
from lingon.data.cut_groups import cut_groups
from lingon.data.files.archives import read_members
from lingon.data.files.images import read_image, resize_image
from lingon.data.pair_groups import PairGroups
from lingon.data.sources import Package
from lingon.data.stamps import Stamps, StampSplits

PARSED = 1  # version of the parsed cache, raised when the parser changes
SIDE = 128  # pixels: the longer side of every stamp
LANGUAGES = ("en", "de", "fr")
SHARES = {"test": 0.2, "valid": 0.1}
STAMPS = Package(
    "apt",
    "tuxpaint-stamps-default",
    "2022.06.04-1",
    "tuxpaint-stamps-default_2022.06.04-1_all.deb",
    160_880_444,
    "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
)
FOLDER = "usr/share/tuxpaint/stamps/"


def tuxpaint_stamps(path: Path) -> StampSplits:
    """Return the stamps of Tux Paint: 785 cut-out drawings and photographs of single objects, in 16 categories.

    Only png files with a caption are read; 165 of the 950 captions are of drawings that exist only as svg, and are left
    out. Stamps with the same pixels, or with the same caption in any of the three languages, are in the same split.
    """
    stamps = _cached(path)
    pixels = (hashlib.sha256(one.tobytes()).hexdigest() for one in stamps.pixels)
    shared = ((*captions.values(), key) for captions, key in zip(stamps.captions, pixels, strict=True))
    groups = PairGroups(shared).of_pairs
    train, valid, test = _divide(stamps, groups.tolist())
    return StampSplits(train, valid, test, "stamps", {"name": "stamps"})


def _divide(stamps: Stamps, groups: list[int]) -> Iterable[Stamps]:
    """Return training, validation and test stamps, assigned pseudo-randomly by the captions of a group."""
    rows = defaultdict(list)
    for row, group in enumerate(groups):
        rows[group].append(row)
    left = {min(stamps.captions[i]["en"] for i in found): found for found in rows.values()}
    parts = {}
    for part, share in SHARES.items():
        parts[part] = [i for key in cut_groups(left, round(share * len(stamps)), part) for i in left.pop(key)]
    parts["train"] = [i for found in left.values() for i in found]
    return (stamps[np.array(sorted(parts[part]))] for part in ("train", "valid", "test"))


def _cached(path: Path) -> Stamps:
    """Return all stamps from the cache, else from the package, in which case they are cached."""
    kept = cache_dir() / "corpora" / f"stamps-{PARSED}-{STAMPS.sha256[:12]}.npy"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, EOFError):  # if missing or damaged, made again
        table = read_json(kept.with_suffix(".json"))
        return _checked(Stamps(np.load(kept, allow_pickle=False), **table))
    stamps = _parse(path)
    with atomic_write(kept, "wb") as file:
        np.save(file, stamps.pixels, allow_pickle=False)
    lists = {"captions": stamps.captions, "categories": stamps.categories, "names": stamps.names}
    write_json(kept.with_suffix(".json"), lists)
    return _checked(stamps)


def _checked(stamps: Stamps) -> Stamps:
    count = len(stamps.names)
    whole = stamps.pixels.shape == (count, SIDE, SIDE, 4) and len(stamps.captions) == len(stamps.categories) == count
    if not whole or not count or stamps.pixels.dtype != np.uint8:
        raise DataError(f"stamps: pixels of shape {stamps.pixels.shape} for {count:,} names; do not use them")
    return stamps


def _parse(path: Path) -> Stamps:
    captions, images = {}, {}
    for member, data in read_members(path, re_of("png", "txt")):
        name, ending = member.removeprefix("./").removeprefix(FOLDER).rsplit(".", 1)
        if ending == "txt":
            captions[name] = captions_of(data.decode("utf-8-sig"), name)
        else:
            images[name] = fit_stamp(read_image(data, "RGBA", member))
    names = sorted(images.keys() & captions.keys())
    pixels = np.stack([images[name] for name in names])
    return Stamps(pixels, [captions[name] for name in names], [name.split("/")[0] for name in names], names)


def re_of(*endings: str) -> str:
    """Return the pattern of the files of stamps with these endings."""
    return rf"(\./)?{FOLDER}.*\.({'|'.join(endings)})"


def captions_of(text: str, name: str) -> dict[str, str]:
    """Return the captions of a stamp by language: English is the first line, others are like `de.utf8=Ein Frosch.`

    Raises DataError for a text without an English caption, which is also used for missing languages.
    """
    first, *lines = text.splitlines() or [""]
    if not first.strip():
        raise DataError(f"stamps: {name}.txt has no caption in its first line")
    others = dict(line.split(".utf8=", 1) for line in lines if ".utf8=" in line)
    english = " ".join(first.split())
    return {"en": english} | {code: " ".join(others.get(code, english).split()) for code in LANGUAGES[1:]}


def fit_stamp(pixels: np.ndarray) -> np.ndarray:
    """Return an image, RGBA [H, W, 4], cropped to its opaque part and centred in [SIDE, SIDE, 4]."""
    rows, columns = (np.flatnonzero(pixels[..., 3].any(axis)) for axis in (1, 0))
    paper = np.zeros((SIDE, SIDE, 4), np.uint8)
    if not len(rows):
        return paper
    pixels = np.ascontiguousarray(pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    height, width = (max(1, round(side * SIDE / max(pixels.shape[:2]))) for side in pixels.shape[:2])
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    paper[top : top + height, left : left + width] = resize_image(pixels, height, width)
    return paper
