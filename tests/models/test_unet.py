"""A U-Net: shapes of any size, what a pixel sees, gradients, and that images of a batch do not see each other."""

import pytest
import torch

from lingon.models.registry import build

SIZES = {"classes": 5, "width": 3, "depth": 2}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return build("unet", SIZES).eval()


@pytest.mark.parametrize("size", [(8, 8), (11, 7), (1, 1), (4, 13)])
def test_logits_have_the_size_of_the_image(model, size):
    assert model(torch.rand(2, 3, *size)).shape == (2, 5, *size)


def test_an_image_is_the_same_alone_and_in_a_batch(model):
    images = torch.rand(3, 3, 8, 12)
    torch.testing.assert_close(model(images)[1:2], model(images[1:2]))


def test_all_weights_have_a_gradient(model):
    model(torch.rand(1, 3, 8, 8)).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in model.parameters())


def test_details_come_across_and_context_from_below():
    """Of the output of one pixel: its own place has the most to say, and far ones have something."""
    torch.manual_seed(0)
    model = build("unet", {"classes": 2, "width": 8, "depth": 3}).eval()
    image = torch.rand(1, 3, 32, 32, requires_grad=True)
    model(image)[0, :, 16, 16].abs().sum().backward()
    seen = image.grad.abs().sum((0, 1))
    assert seen[15:18, 15:18].mean() > 5 * seen.mean()
    assert seen[:6].max() > 0


def test_grey_images_and_the_configuration():
    model = build("unet", SIZES | {"channels": 1})
    assert model(torch.rand(1, 1, 8, 8)).shape == (1, 5, 8, 8)
    assert build("unet", model.config()).config() == model.config()
