"""What `lingon data show` prints of a set of images."""

from collections import Counter
from typing import Any

from lingon.core.counted import counted
from lingon.core.terminal import printable
from lingon.data.boxed_images import BoxSplits, box_counts
from lingon.data.corpora.images import IMAGES, load_image_set
from lingon.data.corpora.named_images import NamedImages
from lingon.data.files.images import read_image
from lingon.data.image_questions import ImageQuestionSplits
from lingon.data.labelled_images import ImageSplits
from lingon.data.preview_pictures import as_blocks
from lingon.data.stamps import StampSplits

MOST_ANSWERS = 30  # that are listed


def show_images(name: str, samples: int = 3) -> str:
    """Return the origin of images, the size of each part, and some drawn images if they are small and grey."""
    row, found = IMAGES[name], load_image_set(name)
    head = [f"{name}: {row.summary}", f"licence: {row.licence}"]
    describe = DESCRIBE.get(type(found))
    return "\n".join([*head, *(describe(found, samples) if describe else [])])


def _labelled(splits: ImageSplits, samples: int) -> list[str]:
    parts = {name: getattr(splits, name) for name in ("train", "valid", "test")}
    _, height, width, channels = splits.train.pixels.shape
    counts = ", ".join(f"{printable(name)} {n:,}" for name, n in splits.train.label_counts().items())
    lines = [
        ", ".join(f"{name} {len(part):,}" for name, part in parts.items()) + " images",
        f"pixels: {height} x {width}, {'grey' if channels == 1 else 'RGB'}",
        f"labels of the training images, and how often: {counts}",
    ]
    if channels == 1 and width <= 80:
        for i in range(min(samples, len(splits.train))):
            lines += ["", f"[{splits.train.labels[i]}]", *as_blocks(splits.train.pixels[i, :, :, 0] / 255)]
    return lines


def _stamps(splits: StampSplits, samples: int) -> list[str]:
    parts = {name: getattr(splits, name) for name in ("train", "valid", "test")}
    categories = Counter(one for part in parts.values() for one in part.categories)
    lines = [
        ", ".join(f"{name} {len(part):,}" for name, part in parts.items()) + " images",
        "pixels: {} x {}, RGBA".format(*splits.train.pixels.shape[1:3]),
        f"categories, and how often: {', '.join(f'{name} {n:,}' for name, n in sorted(categories.items()))}",
    ]
    for name, captions in zip(splits.train.names[:samples], splits.train.captions[:samples], strict=True):
        lines += ["", f"[{printable(name)}]", *(f"{code}: {printable(text)}" for code, text in captions.items())]
    return lines


def _asked(splits: ImageQuestionSplits, samples: int) -> list[str]:
    parts = {name: getattr(splits, name) for name in ("train", "valid", "test")}
    height, width = splits.train.image_size
    counts = [f"{printable(name)} {n:,}" for name, n in splits.train.answer_counts().items()]
    more = f", ... ({len(counts) - MOST_ANSWERS:,} more)" if len(counts) > MOST_ANSWERS else ""
    shown = splits.train.questions[:: max(1, len(splits.train) // max(1, samples))][:samples]
    lines = [
        ", ".join(
            f"{name} {counted(len(part), 'question')} on {counted(len(part.names), 'image')}"
            for name, part in parts.items()
        ),
        f"pixels: {height} x {width}, RGB",
        f"answers to the training questions, and how often: {', '.join(counts[:MOST_ANSWERS])}{more}",
    ]
    return lines + [f"[{printable(one.answer)}] {printable(one.question)}" for one in shown]


def _named(images: NamedImages, samples: int) -> list[str]:
    lines = [f"{counted(len(images.paths), 'image')}; use one by its name wherever a photo or a style is wanted:"]
    for name, path in images.paths.items():
        height, width, _ = read_image(path).shape
        lines.append(f"{name:14} {height:,} x {width:,}")
    return lines


def _boxed(splits: BoxSplits, samples: int) -> list[str]:
    parts = {name: getattr(splits, name) for name in ("train", "valid", "test")}
    counts = ", ".join(f"{printable(name)} {n:,}" for name, n in box_counts(splits.train).items())
    sizes = Counter(image.size for image in splits.train)
    lines = [
        ", ".join(f"{name} {len(part):,}" for name, part in parts.items()) + " images",
        "pixels: " + ", ".join(f"{h} x {w} ({counted(n, 'image')})" for (h, w), n in sizes.most_common(3)),
        f"boxes of the training images: {counts}",
    ]
    for image in splits.train[:samples]:
        inside = ", ".join(f"{printable(name)} {n}" for name, n in sorted(Counter(image.labels).items()))
        lines.append(f"  {printable(image.name)}: {inside or 'nothing'}")
    return lines


# By the type that a row's `parse` returns.
DESCRIBE: dict[type, Any] = {
    ImageSplits: _labelled,
    StampSplits: _stamps,
    ImageQuestionSplits: _asked,
    NamedImages: _named,
    BoxSplits: _boxed,
}
