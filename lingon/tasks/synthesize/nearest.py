"""The training images that are nearest to others, so that a reader sees whether any of them is copied."""

import numpy as np

from lingon.core.shapes import Float, Int

AT_ONCE = 4_096


def nearest_images(
    pixels: np.ndarray, among: np.ndarray, count: int
) -> tuple[Int[np.ndarray, "N K"], Float[np.ndarray, "N K"]]:
    """Return the rows of the `count` nearest of other images to each image, and their distances, the nearest first.

    pixels, among: uint8 [N, H, W, C] and [M, H, W, C]. The distance is the root of the mean squared difference of
    pixels from 0 to 1: 0 for a copy.
    """
    queries = pixels.reshape(len(pixels), -1).astype(np.float32) / 255
    squares = np.square(queries).sum(1)
    found = np.empty((len(queries), len(among)), np.float32)
    for start in range(0, len(among), AT_ONCE):
        others = among[start : start + AT_ONCE].reshape(-1, queries.shape[1]).astype(np.float32) / 255
        part = squares[:, None] + np.square(others).sum(1) - 2 * queries @ others.T
        found[:, start : start + AT_ONCE] = part
    count = min(count, len(among))
    rows = np.argsort(found, axis=1, kind="stable")[:, :count]
    best = np.take_along_axis(found, rows, 1).clip(0)
    return rows, np.sqrt(best / queries.shape[1])
