"""An image classifier as ONNX: its programs in Python and for Node.js read images and label them as Lingon does."""

import json
import shutil

import numpy as np
import pytest

from lingon.checkpoints.bundle import save_bundle
from lingon.core.errors import UserError
from lingon.data.image_layout import FITS, ImageLayout
from lingon.export.portable import export
from lingon.models.registry import build
from lingon.tasks.classify.targets import SingleLabel
from lingon.tasks.classify_images import ImageClassifier
from tests.export.image_programs import in_module, in_node, in_python, pictures, rows, strong

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")
RUN = {"arguments": {"seed": 3}, "data": {"name": "made up"}}
LABELS = ["ball", "bar", "cross", "straße"]
KINDS = [("lenet", 1, "pad"), ("resnet", 3, "crop"), ("lenet", 3, "stretch")]


def strong_classifier(model="lenet", channels=3, fit="crop"):
    """A classifier of random weights that are large enough for an image to decide."""
    sizes = {"resnet": {"width": 4}, "lenet": {"image_height": 23, "image_width": 31}}[model]
    net = strong(build(model, {"classes": len(LABELS), "channels": channels, **sizes}))
    return ImageClassifier(net, SingleLabel(LABELS, temperature=0.6), ImageLayout(23, 31, channels, fit))


def says_the_same(task, paths, printed):
    for path, row, expected in zip(paths, rows(printed), task.predict(paths), strict=True):
        assert (row["image"], row["label"]) == (str(path), expected.label)
        assert row["probability"] == pytest.approx(expected.probability, abs=2e-4)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind)))
def test_the_program_of_the_readme_gives_the_same_labels(tmp_path, kind):
    task, paths = strong_classifier(*kind), pictures(tmp_path)
    found = export(save_bundle(task, kind[0], tmp_path / "b", RUN), "onnx")
    assert found.difference < 1e-4
    says_the_same(task, paths, in_python(found.folder, *paths))


@node
@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind)))
def test_node_gives_the_same_labels_and_names_what_is_wrong(tmp_path, kind):
    task, paths = strong_classifier(*kind), pictures(tmp_path)
    folder = export(save_bundle(task, kind[0], tmp_path / "b", RUN), "onnx", out=tmp_path / "onnx").folder
    done = in_node(folder, "classify.mjs", *paths)
    assert done.returncode == 0, done.stderr
    says_the_same(task, paths, done.stdout)
    done = in_node(folder, "classify.mjs")
    assert (done.returncode, done.stderr) == (2, "usage: node classify.mjs photo.png ...\n")
    (tmp_path / "broken.png").write_bytes(b"no image")
    done = in_node(folder, "classify.mjs", tmp_path / "broken.png")
    assert done.returncode == 1
    assert done.stderr.startswith("classify: ")
    assert "broken.png: " in done.stderr
    assert done.stderr.count("\n") == 1


FAKE = """
import { ImageClassifier } from "./image_classifier.mjs";
const ort = { Tensor: class { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } } };
const found = [];
for (const { image, layout } of given.images) {
  const { dims, data } = new ImageClassifier(ort, null, { image: layout }).read(image);
  found.push([dims, [...data]]);
}
const graph = { run: async () => ({ logits: { data: Float32Array.of(1.5, 3, -2) } }) };
const config = { ...given.config, image: given.images[0].layout };
const said = await new ImageClassifier(ort, graph, config).classify(given.images[0].image);
console.log(JSON.stringify({ found, said }));
"""


@node
def test_javascript_reads_images_number_for_number():
    draw, images, expected = np.random.default_rng(7), [], []
    for height, width in ((31, 67), (90, 40), (5, 3), (1, 50)):
        pixels = draw.integers(0, 256, (height, width, 3)).astype(np.uint8)
        opaque = np.concatenate([pixels, np.full((height, width, 1), 255, np.uint8)], -1)
        image = {"height": height, "width": width, "data": opaque.ravel().tolist()}
        for fit in FITS:
            for channels in (1, 3):
                layout = ImageLayout(17, 23, channels, fit)
                images.append({"image": image, "layout": layout.config()})
                expected.append(layout.of(pixels).transpose(2, 0, 1)[None] / np.float32(255))
    targets = {"labels": ["a", "b", "c"], "targets": {"temperature": 2.0}}
    answer = in_module(FAKE, {"images": images, "config": targets})
    for wanted, (dims, data) in zip(expected, answer["found"], strict=True):
        assert tuple(dims) == wanted.shape
        np.testing.assert_allclose(data, wanted.ravel(), atol=1e-7)
    odds = np.exp(np.array([1.5, 3, -2]) / 2)
    assert answer["said"] == {"label": "b", "probability": round(float(odds[1] / odds.sum()), 4)}


def test_the_folder_says_what_it_holds_and_what_cannot_be_exported_is_named(tmp_path):
    bundle = save_bundle(strong_classifier(), "lenet", tmp_path / "b", RUN)
    folder = export(bundle, "onnx").folder
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["inputs"]["images"]["shape"] == ["batch", 3, 23, 31]
    assert config["outputs"]["logits"]["shape"] == ["batch", "labels"]
    with pytest.raises(UserError, match="is of the kind image classifier, which is exported to onnx, not to gguf"):
        export(bundle, "gguf")
    with pytest.raises(UserError, match="--int8 is for models of texts; leave it out"):
        export(bundle, "onnx", int8=True)
