"""Random backgrounds of scenes: one colour, a gradient, clouds or stripes."""

from collections.abc import Callable

import numpy as np

from lingon.data.files.images import resize_image

Random = np.random.Generator


def plain(random: Random, size: int) -> np.ndarray:
    """Return zeros [size, size]: the first colour everywhere."""
    return np.zeros((size, size), np.float32)


def gradient(random: Random, size: int) -> np.ndarray:
    """Return numbers [size, size] that grow from 0 to 1 along a random direction."""
    angle = random.uniform(0, 2 * np.pi)
    down, right = np.mgrid[:size, :size] / max(1, size - 1) - 0.5
    along = np.cos(angle) * right + np.sin(angle) * down
    return ((along - along.min()) / max(float(np.ptp(along)), 1e-9)).astype(np.float32)


def clouds(random: Random, size: int) -> np.ndarray:
    """Return smooth random numbers from 0 to 1, [size, size]."""
    coarse = random.integers(0, 256, (int(random.integers(3, 9)),) * 2 + (1,), np.uint8)
    return resize_image(coarse, size, size)[..., 0].astype(np.float32) / 255


def stripes(random: Random, size: int) -> np.ndarray:
    """Return stripes of 0 and 1 along a random direction, [size, size]."""
    angle, width = random.uniform(0, np.pi), random.uniform(size / 16, size / 5)
    down, right = np.mgrid[:size, :size]
    along = np.cos(angle) * right + np.sin(angle) * down + random.uniform(0, width)
    return (np.floor(along / width) % 2).astype(np.float32)


BACKGROUNDS: dict[str, Callable[[Random, int], np.ndarray]] = {
    "plain": plain,
    "gradient": gradient,
    "clouds": clouds,
    "stripes": stripes,
}


def background(random: Random, size: int) -> np.ndarray:
    """Return a background of a random kind between two random colours, float32 [size, size, 3] from 0 to 255."""
    kind = list(BACKGROUNDS)[random.integers(len(BACKGROUNDS))]
    first, second = random.uniform(40, 255, (2, 3)).astype(np.float32)
    return first + BACKGROUNDS[kind](random, size)[..., None] * (second - first)
