"""Image data sets by name: source, licence and parser. To add a set, add a row."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.errors import DataError, unknown
from lingon.data.corpora.blood_cells import BCCD, bccd
from lingon.data.corpora.easy_vqa import PACKAGE as EASY_VQA
from lingon.data.corpora.easy_vqa import easy_vqa
from lingon.data.corpora.named_images import OPENCV, SKIMAGE, named_images
from lingon.data.corpora.scene_captions import SUMMARY, stamp_scenes
from lingon.data.corpora.scene_questions import stamp_scene_questions
from lingon.data.corpora.stamps import STAMPS, tuxpaint_stamps
from lingon.data.fetch import fetch
from lingon.data.files.archives import decompress, read_members
from lingon.data.labelled_images import ImageSplits, LabelledImages
from lingon.data.sources import Package, Source

CLOTHES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
VALID = 5_000  # the last of the training images of Fashion-MNIST
FASHION_MNIST = Package(
    "apt",
    "dataset-fashion-mnist",
    "0.0~git20200523.55506a9-1",
    "dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb",
    30_900_652,
    "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
)


@dataclass(frozen=True)
class ImageSet:
    """A row of the table. parse: returns the content, such as `ImageSplits`. shape: the kind of examples, by task."""

    name: str
    summary: str
    source: Source
    licence: str
    parse: Callable[[Path], Any]
    shape: str = "labelled images"


def fashion_mnist(path: Path) -> ImageSplits:
    """Return Fashion-MNIST (Xiao et al. 2017): 55,000, 5,000 and 10,000 (official test) images of clothes, 28 x 28.

    The validation images are the last 5,000 of the official training set, whose order is random.
    """
    files = {name.rsplit("/", 1)[1]: data for name, data in read_members(path, r".*-idx[13]-ubyte\.gz")}
    train, test = (_idx_pair(files, part) for part in ("train", "t10k"))
    splits = (train[:-VALID], train[-VALID:], test)
    return ImageSplits(*splits, "fashion-mnist", {"name": "fashion-mnist"})


def _idx_pair(files: dict[str, bytes], part: str) -> LabelledImages:
    """Return images and labels from the IDX format of MNIST: big-endian sizes, then bytes."""
    images, labels = (
        decompress(files[f"{part}-{kind}-ubyte.gz"], f"{part}-{kind}") for kind in ("images-idx3", "labels-idx1")
    )
    count, height, width = np.frombuffer(images, ">u4", 3, 4).tolist()
    if len(images) != 16 + count * height * width or len(labels) != 8 + count:
        raise DataError(f"fashion-mnist: {part} has {len(images):,} bytes for {count:,} images; do not use it")
    pixels = np.frombuffer(images, np.uint8, offset=16).reshape(count, height, width, 1)
    return LabelledImages(pixels.copy(), [CLOTHES[i] for i in labels[8:]])


IMAGES = {
    row.name: row
    for row in [
        ImageSet(
            "fashion-mnist",
            "70,000 images of clothes in 10 classes, 28 x 28, the official test",
            FASHION_MNIST,
            "MIT",
            fashion_mnist,
        ),
        ImageSet(
            "stamps",
            "785 pictures of single things with alpha masks and captions in English, German and French",
            STAMPS,
            "GPL-2",
            tuxpaint_stamps,
            "captioned images",
        ),
        ImageSet(
            "easy-vqa",
            "48,248 questions on 5,000 drawn images of one shape, 13 answers",
            EASY_VQA,
            "MIT",
            easy_vqa,
            "questions on images",
        ),
        ImageSet("scenes", SUMMARY, STAMPS, "GPL-2", stamp_scenes, "captioned images"),
        ImageSet(
            "scene-questions",
            "what is there, how many and where, on 5,400 scenes composed of stamps (constructed)",
            STAMPS,
            "GPL-2",
            stamp_scene_questions,
            "questions on images",
        ),
        ImageSet(
            "skimage-photos",
            "16 photos of scikit-image by name, such as chelsea, coffee and astronaut",
            SKIMAGE,
            "BSD-3-Clause; each picture CC0 or public domain",
            named_images("skimage-photos"),
            "images",
        ),
        ImageSet(
            "opencv-pictures",
            "17 pictures of OpenCV's samples by name, such as starry-night (van Gogh 1889), baboon and fruits",
            OPENCV,
            "BSD-3-Clause; the painting is in the public domain",
            named_images("opencv-pictures"),
            "images",
        ),
        ImageSet(
            "bccd",
            "364 photos of blood cells with 4,888 boxes in 3 classes, the official parts",
            BCCD,
            "MIT",
            bccd,
            "images with boxes",
        ),
    ]
}


def load_image_set(name: str) -> Any:
    """Return an image data set by name, downloaded if it is not in the cache: the result of its row's `parse`.

    Raises UserError for an unknown name, FetchError when the download fails.
    """
    if name not in IMAGES:
        raise unknown("set of images", name, IMAGES)
    row = IMAGES[name]
    return row.parse(fetch(row.source, name))
