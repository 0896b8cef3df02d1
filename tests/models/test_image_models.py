"""LeNet and the small residual network: equal to the formulas, on images of any size they read."""

import pytest
import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.models.registry import build


def test_a_residual_network_is_its_formulas():
    torch.manual_seed(0)
    net = build("resnet", {"classes": 5, "channels": 3, "width": 2, "stages": 2}).eval()
    weights = net.state_dict()
    for name in weights:  # statistics of batches that are not those of the start
        if name.endswith(("running_mean", "running_var")):
            weights[name].uniform_(0.5, 1.5)

    def conv(x, name, stride=1):
        return F.conv2d(x, weights[f"{name}.weight"].contiguous(), stride=stride, padding=1)

    def norm(x, name):
        mean, var, scale, shift = (
            weights[f"{name}.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (var + 1e-5).sqrt() * scale + shift

    images = torch.rand(7, 3, 9, 11)
    x = F.max_pool2d(norm(conv(images, "stem.0"), "stem.1").relu(), 2, ceil_mode=True)
    for block, stride in (("blocks.0", 1), ("blocks.1", 2)):
        y = norm(conv(x, f"{block}.conv1", stride), f"{block}.norm1").relu()
        y = norm(conv(y, f"{block}.conv2"), f"{block}.norm2")
        x = (y + F.conv2d(x, weights[f"{block}.skip.weight"], stride=stride)).relu()
    expected = x.mean((2, 3)) @ weights["out.weight"].T + weights["out.bias"]
    torch.testing.assert_close(net(images), expected, rtol=1e-4, atol=1e-5)


def test_lenet_is_its_formulas():
    torch.manual_seed(0)
    net = build("lenet", {"classes": 3, "image_height": 14, "image_width": 19}).eval()
    w = net.state_dict()
    images = torch.rand(2, 1, 14, 19)
    x = F.max_pool2d(F.conv2d(images, w["first.weight"], w["first.bias"], padding=2).relu(), 2)
    x = F.max_pool2d(F.conv2d(x, w["second.weight"], w["second.bias"]).relu(), 2).flatten(1)
    for layer in ("hidden.0", "hidden.2"):
        x = (x @ w[f"{layer}.weight"].T + w[f"{layer}.bias"]).relu()
    torch.testing.assert_close(net(images), x @ w["out.weight"].T + w["out.bias"], rtol=1e-4, atol=1e-5)
    assert build("lenet", {"classes": 10})(torch.rand(1, 1, 28, 28)).shape == (1, 10)
    with pytest.raises(UserError, match="image_height"):
        build("lenet", {"classes": 3, "image_height": 7})


def test_blocks_of_one_width_have_no_shortcut_of_their_own():
    net = build("resnet", {"classes": 2, "depth": 2, "width": 2, "stages": 1})
    assert [type(block.skip).__name__ for block in net.blocks] == ["Conv2d", "NoneType"]
    for side in (1, 4, 29):
        assert net.eval()(torch.rand(3, 1, side, side)).shape == (3, 2)
