"""Images that are given as arrays: the same rule for every task."""

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.data.rgb_pixels import rgb_pixels

COLOURED = np.arange(3 * 5 * 3, dtype=np.uint8).reshape(3, 5, 3)


def test_colours_stay_and_grey_is_three_times_the_same():
    assert rgb_pixels(COLOURED) is COLOURED
    for grey in (COLOURED[..., 0], COLOURED[..., :1]):
        found = rgb_pixels(grey)
        assert found.shape == (3, 5, 3)
        assert all((found[..., i] == COLOURED[..., 0]).all() for i in range(3))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (COLOURED / 255, "photo 7 is float64 of shape"),
        (COLOURED[None], r"photo 7 is uint8 of shape \(1, 3, 5, 3\)"),
        (COLOURED[:0], r"photo 7 is uint8 of shape \(0, 5, 3\)"),
        (np.zeros((3, 5, 4), np.uint8), "expected pixels uint8"),
        (7, "photo 7 is a path, or pixels uint8 .*; not int"),
    ],
)
def test_what_is_no_image(given, message):
    with pytest.raises(UserError, match=message):
        rgb_pixels(given, "photo 7")
