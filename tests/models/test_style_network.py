"""Style networks: equal to a plain pass over the published arrays, with the zeros of TensorFlow put in by hand."""

import io
import tarfile

import numpy as np
import pytest
import torch

from benchmarks.plain_style_network import SHAPES, plain_pass, read_arrays
from lingon.core.errors import DataError, UserError
from lingon.data.corpora.image_weights import FAST_STYLE, STYLES, style_net
from lingon.models.style_network import NETS, PUBLISHED, NormedUpsampling, StyleNetwork, load_style_network


@pytest.fixture
def arrays():
    """The 48 arrays of a network, in the layout and the order that were published."""
    rng, made = np.random.default_rng(5), []
    for i, shape in enumerate(SHAPES):
        made.append(rng.normal(0, 0.1, shape).astype("<f4"))
        channels = shape[2] if i in (13, 14) else shape[3]
        made += [rng.normal(0, 0.3, channels).astype("<f4"), rng.normal(1, 0.3, channels).astype("<f4")]
    return made


def packed(folder, arrays):
    path = folder / "nets.tar"
    with tarfile.open(path, "w") as tar:
        for i, values in enumerate(arrays):
            data = values if isinstance(values, bytes) else values.tobytes()
            entry = tarfile.TarInfo("src/ckpts/wave/Variable" + (f"_{i}" if i else ""))
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


@pytest.mark.parametrize("size", [(24, 36), (23, 17), (29, 34), (16, 5)])
def test_a_network_equals_a_plain_pass_over_its_arrays(arrays, tmp_path, size):
    model = StyleNetwork(**PUBLISHED).eval()
    model.load_state_dict({k: torch.from_numpy(v) for k, v in style_net("wave")(packed(tmp_path, arrays)).items()})
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(3))
    found = model(images)
    wanted = plain_pass([torch.tensor(a) for a in arrays], images * 255)[:, :, : size[0], : size[1]] / 255
    assert found.shape == images.shape
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("options", [{}, PUBLISHED], ids=["ours", "published"])
def test_images_of_any_size_are_painted(options):
    torch.manual_seed(1)
    model = StyleNetwork(width=2, depth=1, **options)
    for size in ((1, 1), (2, 3), (13, 7), (24, 17)):
        painted = model(torch.rand(3, 3, *size))
        assert painted.shape == (3, 3, *size)
        assert torch.isfinite(painted).all()


@pytest.mark.parametrize(("kernel", "even"), [(4, True), (3, False)])
def test_upsampling_makes_every_place_of_as_many_others(kernel, even):
    """Weights of one draw no grid with a kernel of 4."""
    model = NormedUpsampling(2, 3, kernel)
    torch.nn.init.ones_(model.conv.weight)
    with torch.no_grad():
        made = model.conv(torch.ones(1, 2, 5, 7))[..., 2:8, 2:12]
    assert (made == made[..., :1, :1]).all().item() == even
    assert model(torch.ones(1, 2, 5, 7)).shape == (1, 3, 10, 14)


def test_arrays_that_are_not_as_they_should_be_are_refused_by_name(arrays, tmp_path):
    bad = {
        7: (b"", "Variable_7 has 0 bytes, expected 512"),
        9: (arrays[9][:2], r"Variable_9 has 393,216 bytes, expected 589,824"),
        1: (arrays[1] + np.nan, "Variable_1 has numbers that are not finite"),
    }
    for i, (change, said) in bad.items():
        with pytest.raises(DataError, match=said):
            style_net("wave")(packed(tmp_path, [*arrays[:i], change, *arrays[i + 1 :]]))
    with pytest.raises(UserError, match="unknown weights of an image model 'style-starry'"):
        load_style_network("starry")


@pytest.mark.data
@pytest.mark.parametrize("name", NETS)
def test_a_published_network_equals_a_plain_pass(name):
    from lingon.data.fetch import fetch
    from lingon.data.files.archives import read_members

    folder = f"src/ckpts/{dict(zip(NETS, STYLES, strict=True))[name]}"
    arrays = read_arrays(dict(read_members(fetch(FAST_STYLE), rf"{folder}/Variable(_\d+)?")), folder)
    images = torch.rand(1, 3, 31, 42, generator=torch.Generator().manual_seed(3))
    wanted = plain_pass(arrays, images * 255)[:, :, :31, :42] / 255
    torch.testing.assert_close(load_style_network(name)(images), wanted, rtol=0, atol=1e-4)
