"""Constructed scenes: pictures composed of stamps from a seed, with full annotations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lingon.core.errors import UserError, unknown
from lingon.core.seed import derive
from lingon.data.files.images import resize_image
from lingon.data.scene_backgrounds import Random, background
from lingon.data.scene_relations import Box, Triple, relation_of
from lingon.data.stamps import Stamps

__all__ = ["NOUNS", "Composer", "Scene"]

NOUNS = (
    "banana", "butterfly", "camel", "cow", "elephant", "flower", "frog", "giraffe", "igloo", "ladybug",
    "lion", "mailbox", "orange", "owl", "penguin", "pineapple", "strawberry", "teapot", "tiger", "zebra",
)  # fmt: skip
TRIES = 500  # places that are tried for an object; it becomes slightly smaller with each try
SHRINK = 0.995


@dataclass(frozen=True)
class Scene:
    """A constructed picture, and what it shows.

    image: uint8 [S, S, 3]. mask: uint8 [S, S], 0 for the background, else 1 + the index of the noun in those of the
    composer. boxes: int [K, 4] of its K objects: left, top, right, bottom (right and bottom are exclusive), including
    parts that are occluded. nouns: of each object; later ones occlude earlier ones. triple: the relation of the first
    to the second, for two objects that are clearly beside or above each other.
    """

    image: np.ndarray
    mask: np.ndarray
    boxes: np.ndarray
    nouns: tuple[str, ...]
    triple: Triple | None = None

    def count(self, noun: str) -> int:
        """Return how many objects of this noun there are."""
        return self.nouns.count(noun)


class Composer:
    """Composes scenes from the stamps of some nouns.

    nouns: names of classes, from `stamps.nouns()`; each has one or more stamps. size: of the picture, in pixels.
    sides: minimum and maximum of the longer side of an object, as a share of `size`. overlap: the largest allowed share
    of the smaller of two boxes that lies in the other. Raises UserError for a noun that no stamp has.
    """

    def __init__(
        self,
        stamps: Stamps,
        nouns: Sequence[str] = NOUNS,
        size: int = 64,
        sides: tuple[float, float] = (0.28, 0.45),
        overlap: float = 0.1,
    ):
        known = stamps.nouns()
        for noun in nouns:
            if noun not in known:
                raise unknown("noun of stamps", noun, known)
        self.nouns, self.size, self.sides, self.overlap = tuple(nouns), size, sides, overlap
        self._cut = {noun: [_cut(stamps.pixels[i]) for i in known[noun]] for noun in nouns}

    def compose(self, nouns: Sequence[str], *seed: object) -> Scene:
        """Return a scene with these objects, at random places. seed: names and numbers; equal ones give an equal scene.

        Raises UserError if there is not enough room for the objects.
        """
        random = _random(seed)
        boxes: list[Box] = []
        drawn = []
        for noun in nouns:
            stamp = self._stamp(noun, random)
            box = next((box for box in self._places(stamp, random) if self._free(box, boxes)), None)
            if box is None:
                raise UserError(f"no room for {len(nouns)} things in {self.size} x {self.size} pixels; compose fewer")
            boxes.append(box)
            drawn.append(stamp)
        relation = relation_of(*boxes) if len(boxes) == 2 else None
        triple = Triple(nouns[0], relation, nouns[1]) if relation else None
        return self._draw(nouns, drawn, boxes, triple, random)

    def compose_pair(self, triple: Triple, *seed: object) -> Scene:
        """Return a scene with two objects in the relation of the triple. seed: as for `compose`."""
        random = _random(seed)
        nouns = (triple.noun, triple.other)
        stamps = [self._stamp(noun, random) for noun in nouns]
        for first, second in zip(*(self._places(stamp, random) for stamp in stamps), strict=True):
            if relation_of(first, second) == triple.relation and self._free(second, [first]):
                return self._draw(nouns, stamps, [first, second], triple, random)
        raise UserError(f"no room for two things in {self.size} x {self.size} pixels; give them smaller sides")

    def _stamp(self, noun: str, random: Random) -> np.ndarray:
        """Return a random stamp of a noun, mirrored with probability 0.5."""
        if noun not in self._cut:
            raise unknown("noun of these scenes", noun, self.nouns)
        stamp = self._cut[noun][random.integers(len(self._cut[noun]))]
        return stamp[:, ::-1] if random.random() < 0.5 else stamp

    def _places(self, stamp: np.ndarray, random: Random):
        """Yield random boxes for a stamp inside the picture."""
        side = self.size * random.uniform(*self.sides)
        for _ in range(TRIES):
            height, width = (max(2, round(side * length / max(stamp.shape[:2]))) for length in stamp.shape[:2])
            top, left = (int(random.integers(self.size - length + 1)) for length in (height, width))
            yield left, top, left + width, top + height
            side *= SHRINK

    def _free(self, box: Box, others: Sequence[Box]) -> bool:
        return all(_shared(box, other) <= self.overlap for other in others)

    def _draw(
        self,
        nouns: Sequence[str],
        stamps: Sequence[np.ndarray],
        boxes: Sequence[Box],
        triple: Triple | None,
        random: Random,
    ) -> Scene:
        image = background(random, self.size)
        mask = np.zeros((self.size, self.size), np.uint8)
        for noun, stamp, (left, top, right, bottom) in zip(nouns, stamps, boxes, strict=True):
            pixels = resize_image(stamp, bottom - top, right - left).astype(np.float32)
            alpha, colours = pixels[..., 3:] / 255, pixels[..., :3] * random.uniform(0.8, 1.1)
            part = np.s_[top:bottom, left:right]
            image[part] += alpha * (colours - image[part])
            mask[part][alpha[..., 0] >= 0.5] = 1 + self.nouns.index(noun)
        pixels = np.clip(image + 0.5, 0, 255).astype(np.uint8)
        return Scene(pixels, mask, np.array(boxes, np.int64).reshape(-1, 4), tuple(nouns), triple)


def _random(seed: Sequence[object]) -> Random:
    return np.random.default_rng(derive(0, "scene", *seed))


def _cut(pixels: np.ndarray) -> np.ndarray:
    """Return a stamp [S, S, 4] cropped to its non-transparent rows and columns."""
    rows, columns = (np.flatnonzero(pixels[..., 3].any(axis)) for axis in (1, 0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _shared(box: Box, other: Box) -> float:
    """Return the share of the smaller of two boxes that lies in the other."""
    width = max(0, min(box[2], other[2]) - max(box[0], other[0]))
    height = max(0, min(box[3], other[3]) - max(box[1], other[1]))
    areas = [(right - left) * (bottom - top) for left, top, right, bottom in (box, other)]
    return width * height / max(1, min(areas))
