"""Pictures with boxes: small images are enlarged, and labels stand where they are seen."""

import re

import numpy as np

from lingon.pages.boxes_picture import DrawnBox, boxes_svg


def places(svg: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r'<text x="([\d.]+)" y="([\d.]+)"', svg)]


def test_a_small_image_is_enlarged_by_a_whole_number_and_a_large_one_made_smaller():
    box = DrawnBox("found", "cell 0.50", (1, 2, 40, 50))
    svg = boxes_svg(np.zeros((60, 100, 3), np.uint8), [box], "cells")
    assert 'width="300" height="180" viewBox="0 0 300 180"' in svg
    assert '<rect class="found" x="3.0" y="6.0" width="117.0" height="144.0"' in svg
    assert 'width="640" height="320"' in boxes_svg(np.zeros((1000, 2000, 3), np.uint8), [], "cells")
    assert 'width="400" height="200"' in boxes_svg(np.zeros((200, 400, 3), np.uint8), [], "cells")


def test_a_label_is_not_cut_off_and_hides_no_small_thing():
    boxes = [(20, 40, 120, 140), (380, 40, 398, 150), (20, 60, 32, 72), (20, 2, 32, 14)]
    svg = boxes_svg(
        np.zeros((200, 400, 3), np.uint8), [DrawnBox("found", "speck 0.50", box) for box in boxes], "specks"
    )
    inside, edge, above, below = places(svg)
    assert inside == (23, 52)
    assert edge[0] + 10 * 6 < 400
    assert above[1] < 60
    assert below[1] > 14
