"""Previews scenes for `lingon data show`; they are not stored in a file but composed of stamps."""

from lingon.data.corpora.images import IMAGES, load_image_set
from lingon.data.corpora.scene_captions import COUNTS, SUMMARY, made_scenes
from lingon.data.load_masks import SCENES, SIZES
from lingon.data.scenes import NOUNS


def show_scenes(name: str, samples: int = 3) -> str:
    """Return what scenes are, how many each task has per part, what they contain, and captions of some."""
    size = SIZES["scenes"]
    some = made_scenes(load_image_set("stamps").all(), size, dict.fromkeys(COUNTS, max(1, samples)))
    lines = [f"{name}: {SUMMARY}", f"licence: {IMAGES['stamps'].licence}", f"pixels: {size} x {size}, RGB"]
    lines += [f"{task}: {_counts(counts)}" for task, counts in (("captions", COUNTS), ("masks", SCENES))]
    lines += [f"things: {', '.join(NOUNS)}"]
    for captions in some.train.captions[:samples]:
        lines += ["", *captions]
    return "\n".join(lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{part} {n:,}" for part, n in counts.items()) + " images"
