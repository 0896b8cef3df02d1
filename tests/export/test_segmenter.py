"""A segmenter as ONNX: its programs in Python and for Node.js give each pixel the class that Lingon gives it."""

import json
import shutil

import numpy as np
import pytest
import torch

from lingon.checkpoints.bundle import save_bundle
from lingon.core.errors import UserError
from lingon.data.files.images import save_image
from lingon.data.files.masks import read_mask
from lingon.export.portable import export
from lingon.layers.batch_norm import BatchNorm
from lingon.tasks.segment.enlarge import enlarged_mask
from tests.export.image_programs import in_module, in_node, in_python, pictures, strong
from tests.tasks.test_segment import CLASSES, segmenter

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")
RUN = {"arguments": {"seed": 3}, "data": {"name": "made up"}}


def strong_segmenter():
    """A segmenter of random weights, whose norms have seen images, and whose classes are equally likely."""
    task = segmenter(24)
    strong(task.model)
    images = torch.rand(5, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for norm in (module for module in task.model.modules() if isinstance(module, BatchNorm)):
            norm.momentum = None  # the mean over all batches, of which there is one
        task.model.train()(images)
        task.model.output.bias -= task.model.eval()(images).mean((0, 2, 3))
    return task


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segmenter")
    save_bundle(strong_segmenter(), "unet", folder / "b", RUN)
    found = export(folder / "b", "onnx", out=folder / "onnx")
    assert found.difference < 1e-4
    return folder / "onnx"


def agrees(photo, out, printed):
    """Equal but for a pixel in a thousand, whose two best logits are equal but for rounding."""
    expected = strong_segmenter().predict(photo)
    mask = np.asarray(read_mask(out))
    assert mask.shape == expected.mask.shape
    assert (mask != expected.mask).mean() <= 0.001, photo
    row = json.loads(printed)
    assert row["image"] == str(photo)
    assert row["shares"] == pytest.approx(expected.row()["shares"], abs=0.002)
    return {*np.unique(mask).tolist()}


def large_picture(folder):
    """A picture whose mask is found at fewer pixels than it has."""
    waves = np.sin(np.arange(1181)[:, None, None] / 31 + np.arange(1303)[:, None] / 57 + np.arange(3))
    return save_image(folder / "large.png", (128 + 120 * waves).astype(np.uint8))


def test_the_program_of_the_readme_gives_the_same_classes(exported, tmp_path):
    kinds = set()
    for photo in (*pictures(tmp_path), large_picture(tmp_path)):
        kinds |= agrees(photo, tmp_path / "mask.png", in_python(exported, photo, tmp_path / "mask.png"))
    assert len(kinds) > 1
    config = json.loads((exported / "config.json").read_text())
    assert config["outputs"]["logits"]["shape"] == ["batch", "classes", 24, 24]


@node
@pytest.mark.long
def test_node_gives_the_same_classes_and_names_what_is_wrong(exported, tmp_path):
    for photo in (*pictures(tmp_path), large_picture(tmp_path)):
        done = in_node(exported, "segment.mjs", photo, tmp_path / "mask.png")
        assert done.returncode == 0, done.stderr
        agrees(photo, tmp_path / "mask.png", done.stdout)
    done = in_node(exported, "segment.mjs", photo)
    assert (done.returncode, done.stderr) == (2, "usage: node segment.mjs photo.png mask.png\n")


MASK = """
import { Segmenter } from "./segmenter.mjs";
const ort = { Tensor: class { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } } };
const graph = { run: async () => ({ logits: { data: Float32Array.from(given.logits) } }) };
const segmenter = new Segmenter(ort, graph, given.config);
const masks = [];
for (const [height, width] of given.sizes) {
  masks.push([...await segmenter.segment({ height, width, data: new Uint8Array(4 * height * width) })]);
}
console.log(JSON.stringify(masks));
"""


@node
def test_javascript_enlarges_logits_as_lingon_does():
    task, sizes = segmenter(6), [(13, 7), (5, 3), (6, 6), (2, 1100)]
    logits = torch.randn(len(CLASSES), 6, 6, generator=torch.Generator().manual_seed(3))
    config = task.config() | task.rules()
    masks = in_module(MASK, {"logits": logits.ravel().tolist(), "config": config, "sizes": sizes})
    assert masks == [enlarged_mask(logits, *size).ravel().tolist() for size in sizes]
    assert {number for mask in masks for number in mask} == {0, 1, 2}


def test_what_cannot_be_exported_is_named(tmp_path):
    folder = save_bundle(segmenter(), "unet", tmp_path / "b", RUN)
    with pytest.raises(UserError, match="is of the kind segmenter, which is exported to onnx, not to torch"):
        export(folder, "torch")
    with pytest.raises(UserError, match="--int8 is for models of texts; leave it out"):
        export(folder, "onnx", int8=True)
