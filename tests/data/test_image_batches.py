"""Images as a column: numbers from 0 to 1, and augmentation that follows from seed, epoch and row alone."""

import numpy as np
import pytest
import torch

from lingon.core.errors import UserError
from lingon.data.batches import Augments, Images, Loader, RandomFlip, RandomShift, Shuffled

PIXELS = np.random.default_rng(0).integers(0, 256, (11, 5, 7, 3), np.uint8)


def test_pixels_become_numbers_from_0_to_1():
    images = Images(PIXELS).collate(np.array([3, 1]))["images"]
    assert images.shape == (2, 3, 5, 7)
    torch.testing.assert_close(images[0, 2, 4, 6], torch.tensor(PIXELS[3, 4, 6, 2] / 255, dtype=torch.float32))
    with pytest.raises(UserError, match="uint8"):
        Images(PIXELS / 255)


def test_augmentation_follows_from_seed_epoch_and_row():
    column = Images(PIXELS, Augments([RandomFlip(), RandomShift(2)]), seed=3)
    column.set_epoch(1)
    both = column.collate(np.array([2, 9]))["images"]
    torch.testing.assert_close(column.collate(np.array([9]))["images"], both[1:], rtol=0, atol=0)
    column.set_epoch(2)
    assert not torch.equal(column.collate(np.array([2, 9]))["images"], both)
    column.set_epoch(1)
    assert torch.equal(column.collate(np.array([2, 9]))["images"], both)
    numbers = column.random(np.arange(11))
    assert len(torch.unique(numbers)) == numbers.numel()


def test_two_processes_see_what_one_sees():
    def of(rank, world):
        images = Images(PIXELS, RandomFlip(), seed=1)
        loader = Loader({"images": images}, Shuffled(11, 4, seed=0), rank=rank, world=world)
        return [(batch.index, batch.images) for batch in loader]

    for (_, whole), (_, first), (_, second) in zip(of(0, 1), of(0, 2), of(1, 2), strict=True):
        torch.testing.assert_close(whole[::2], first, rtol=0, atol=0)
        torch.testing.assert_close(whole[1::2], second, rtol=0, atol=0)


def test_a_shift_moves_the_image_and_fills_what_comes_in():
    images = torch.arange(1.0, 10).reshape(1, 1, 3, 3)
    shift = RandomShift(1, fill=0.0)
    torch.testing.assert_close(shift(images, torch.tensor([[0.5, 0.5]])), images)
    down_right = shift(images, torch.zeros(1, 2))
    torch.testing.assert_close(down_right[0, 0], torch.tensor([[0.0, 0, 0], [0, 1, 2], [0, 4, 5]]))
    assert shift(images, torch.full((1, 2), 0.9999)).shape == images.shape


def test_a_flip_mirrors_left_and_right():
    images = torch.rand(2, 3, 5, 7)
    found = RandomFlip()(images, torch.tensor([[0.1], [0.9]]))
    torch.testing.assert_close(found[0], images[0].flip(-1))
    torch.testing.assert_close(found[1], images[1])
