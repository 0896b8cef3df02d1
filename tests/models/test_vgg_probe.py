"""A linear probe on VGG-16: means over all places, grey images, and what is refused; with a narrow trunk."""

import pytest
import torch

from lingon.core.errors import UserError
from lingon.models import vgg_probe
from lingon.models.registry import build
from tests.tasks.made_stylizer import NARROW, narrow_vgg


def probe(**more):
    torch.manual_seed(0)
    return build("vgg_probe", {"classes": 5, "filters": list(NARROW), **more}).eval()


def test_a_probe_is_a_linear_layer_on_the_mean_of_each_layer():
    net, images = probe(layers=["relu1_2", "relu4_1", "relu2_2"]), torch.rand(2, 3, 16, 48)
    maps = net.trunk(images)
    means = torch.cat([maps[name].mean((2, 3)) for name in ("relu1_2", "relu2_2", "relu4_1")], 1)
    torch.testing.assert_close(net.vectors(images), means)
    torch.testing.assert_close(net(images), means @ net.out.weight.T + net.out.bias)
    assert net.features(images).shape == (2, NARROW[0] + NARROW[1] + NARROW[3], 2, 6)


def test_images_of_any_size_are_read_and_grey_is_red_green_and_blue():
    net, grey = probe(channels=1), torch.rand(2, 1, 11, 29)
    torch.testing.assert_close(net(grey), net(grey.repeat(1, 3, 1, 1)))
    assert net(torch.rand(1, 1, 1, 1)).shape == (1, 5)


def test_the_layers_that_are_not_asked_for_are_not_there():
    names = set(probe(layers=["relu2_1"]).state_dict())
    assert {name.split(".")[1] for name in names if name.startswith("trunk")} == {"conv1_1", "conv1_2", "conv2_1"}


def test_only_the_linear_layer_is_trained():
    assert [name for name, each in probe().named_parameters() if each.requires_grad] == ["out.weight", "out.bias"]


def test_published_weights_go_into_a_trunk_of_their_sizes_alone(monkeypatch):
    monkeypatch.setattr(vgg_probe, "load_vgg", narrow_vgg)
    net = probe()
    vgg_probe.load_trunk(net)
    torch.testing.assert_close(net.trunk.conv4_2.weight, narrow_vgg().conv4_2.weight, rtol=0, atol=0)
    with pytest.raises(UserError, match=r"conv1_1\.weight of the published VGG-16"):
        vgg_probe.load_trunk(build("vgg_probe", {"classes": 2, "filters": [7, 1, 1, 1, 1]}))


@pytest.mark.parametrize(
    ("options", "said"),
    [({"layers": ["relu6_1"]}, "relu6_1"), ({"filters": [3, 3]}, "five numbers"), ({"channels": 2}, "1 or 3")],
)
def test_impossible_options_are_refused(options, said):
    with pytest.raises(UserError, match=said):
        probe(**options)
