"""Images with boxes as a column: boxes move with what they are around, by seed, epoch and row."""

import numpy as np
import pytest
import torch

from lingon.core.errors import UserError
from lingon.data.batches import BoxAugments, FlipBoxes, ImagesWithBoxes, Lighting, Loader, Shuffled, ZoomAndShift

H, W, N = 44, 60, 7


def white_boxes(seed=0):
    """Black images with a white rectangle each, and its box."""
    random = np.random.default_rng(seed)
    pixels, boxes = np.zeros((N, H, W, 3), np.uint8), []
    for i in range(N):
        left, top = random.integers(8, 25), random.integers(8, 15)
        right, bottom = left + random.integers(10, 25), top + random.integers(8, 20)
        pixels[i, top:bottom, left:right] = 255
        boxes.append(np.array([[left, top, right, bottom]], np.float32))
    return pixels, boxes, [[0]] * N


def around(image):
    """The box around what is white, by looking."""
    rows, columns = torch.where(image.mean(0) > 0.75)
    return [columns.min().item(), rows.min().item(), columns.max().item() + 1, rows.max().item() + 1]


@pytest.mark.parametrize("part", [FlipBoxes(), FlipBoxes(upside_down=True), ZoomAndShift(1.3, 0.1), Lighting(0.1)])
def test_boxes_stay_around_what_they_are_around(part):
    column = ImagesWithBoxes(*white_boxes(), augment=part, seed=3)
    moved = 0
    for epoch in range(4):
        column.set_epoch(epoch)
        batch = column.collate(np.arange(N))
        for image, (box,) in zip(batch["images"], batch["boxes"], strict=True):
            assert box.tolist() == pytest.approx(around(image), abs=1.1)
        moved += int((batch["boxes"][:, 0] != torch.tensor(np.stack(white_boxes()[1]))[:, 0]).any(1).sum())
    assert (moved > 3) == (not isinstance(part, Lighting))


def test_what_is_moved_out_is_gone_and_what_is_half_out_is_cut():
    part = ZoomAndShift(1.0, 0.5)
    boxes = torch.tensor([[[0.0, 10, 10, 20], [40, 10, 60, 20], [0, 0, 0, 0]]])
    _, found = part(torch.zeros(1, 3, H, W), boxes, torch.tensor([[0.5, 5 / 6, 0.5]]))  # a third of W to the right
    torch.testing.assert_close(found[0], torch.tensor([[20.0, 10, 30, 20], [0, 0, 0, 0], [0, 0, 0, 0]]))
    _, found = part(torch.zeros(1, 3, H, W), boxes, torch.tensor([[0.5, 0.5 + 1 / 12, 0.5]]))  # by five
    torch.testing.assert_close(found[0], torch.tensor([[5.0, 10, 15, 20], [45, 10, 60, 20], [0, 0, 0, 0]]))


def test_images_are_varied_by_seed_epoch_and_row_alone():
    make = lambda seed=3: ImagesWithBoxes(
        *white_boxes(), augment=BoxAugments([FlipBoxes(), ZoomAndShift(), Lighting()]), seed=seed
    )
    column, rows = make(), np.arange(N)
    column.set_epoch(2)
    whole = column.collate(rows)
    for row in (5, 0, 3):
        alone = column.collate(rows[row : row + 1])
        assert all(torch.equal(alone[name][0], whole[name][row]) for name in whole)
    assert not torch.equal(make(4).collate(rows)["images"], make().collate(rows)["images"])
    assert make().checksum() == make(4).checksum() != ImagesWithBoxes(*white_boxes(1)).checksum()


def test_padding_is_no_box():
    pixels, boxes, labels = white_boxes()
    boxes[2], labels = np.zeros((0, 4), np.float32), [[], [1]] + [[0]] * 5
    boxes[0], boxes[1] = boxes[2], np.concatenate([boxes[1], boxes[1]])
    labels[1], labels[2] = [1, 2], []
    batch = next(iter(Loader({"images": ImagesWithBoxes(pixels, boxes, labels, FlipBoxes())}, Shuffled(N, N))))
    by_row = dict(zip(batch.index.tolist(), zip(batch.boxes, batch.labels, strict=True), strict=True))
    assert by_row[1][1].tolist() == [1, 2]
    assert by_row[0][1].tolist() == [-1, -1]
    assert not by_row[0][0].any()
    assert by_row[3][1].tolist() == [0, -1]
    with pytest.raises(UserError, match="7 images with 6 lists of boxes"):
        ImagesWithBoxes(pixels, boxes[1:], labels)
