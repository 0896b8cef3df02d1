"""A detector as ONNX: its programs in Python and for Node.js find the objects that Lingon finds."""

import json
import shutil

import numpy as np
import pytest
import torch

from lingon.checkpoints.bundle import save_bundle
from lingon.core.errors import UserError
from lingon.data.files.images import png_bytes, read_image, resize_image
from lingon.export.detector import largest_peak_difference, peak_differences
from lingon.export.portable import export
from lingon.tasks.detect.decode import MOST_BOXES, peaks_of
from lingon.tasks.detect.frame import framed
from tests.export.image_programs import in_module, in_node, in_python, pictures, rows, strong
from tests.tasks.test_detect import detector

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")
RUN = {"arguments": {"seed": 3}, "data": {"name": "made up"}}


def strong_detector(threshold=0.4):
    task = detector(threshold=threshold)
    strong(task.model).centers[-1].bias.data = torch.tensor([-0.2, 0.0])  # places of both classes are likely
    return task


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("detector")
    save_bundle(strong_detector(), "center_net", folder / "b", RUN)
    found = export(folder / "b", "onnx", out=folder / "onnx")
    assert found.difference < 1e-4
    return folder / "onnx"


def expected(paths):
    return [one.row() for one in strong_detector().predict(paths)]


def test_the_program_of_the_readme_finds_the_same_objects(exported, tmp_path):
    paths = pictures(tmp_path)
    wanted = expected(paths)
    assert rows(in_python(exported, *paths)) == wanted
    assert {one["label"] for row in wanted for one in row["objects"]} == {"cell", "speck"}
    config = json.loads((exported / "config.json").read_text())
    assert config["outputs"]["boxes"]["shape"] == ["batch", 300, 4]
    assert (config["task"], config["image"]["height"], config["image"]["width"]) == ("detect", 48, 64)


@node
@pytest.mark.long
def test_node_finds_the_same_objects_and_names_what_is_wrong(exported, tmp_path):
    paths = pictures(tmp_path)
    done = in_node(exported, "detect.mjs", *paths)
    assert done.returncode == 0, done.stderr
    assert rows(done.stdout) == expected(paths)
    (tmp_path / "text.png").write_text("no image")
    for path in (tmp_path / "text.png", tmp_path / "missing.png"):
        done = in_node(exported, "detect.mjs", path)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert done.stderr.startswith(f"detect: {path}: ")
    broken = tmp_path / "broken"
    shutil.copytree(exported, broken)
    (broken / "model.onnx").unlink()
    done = in_node(broken, "detect.mjs", paths[0])
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "model.onnx" in done.stderr
    (broken / "config.json").write_text('{"task": "caption", "to": "onnx", "format": 1}')
    done = in_node(broken, "detect.mjs", paths[0])
    assert done.stderr == (
        "detect: config.json: caption for onnx, format 1; this program reads detect for onnx, format 1\n"
    )


@node
def test_javascript_resizes_as_pillow_does():
    code = """
    import { inFrame, onWhite, resized, scaledSides } from "./pixels.mjs";
    const found = given.map(({ pixels, height, width, to: [tall, wide] }) => {
      const image = resized(onWhite({ height, width, data: pixels }), wide, tall);
      return { sides: scaledSides(image, 0.5), image: [...inFrame(image, wide + 3, tall + 5, 3, 2, 7).data] };
    });
    console.log(JSON.stringify(found));
    """
    draw, given, wanted = np.random.default_rng(3), [], []
    for size, to in (((11, 7), (5, 13)), ((7, 5), (29, 31)), ((41, 3), (2, 3)), ((13, 17), (13, 17)), ((1, 1), (3, 2))):
        pixels = draw.integers(0, 256, (*size, 4)).astype(np.uint8)
        if size == (7, 5):
            pixels[..., 3] = 255
        given.append({"pixels": pixels.ravel().tolist(), "height": size[0], "width": size[1], "to": to})
        frame = np.full((to[0] + 5, to[1] + 3, 3), 7, np.uint8)
        frame[2:-3, 3:] = resize_image(read_image(png_bytes(pixels)), *to)
        wanted.append({"sides": [max(1, round(to[1] / 2)), max(1, round(to[0] / 2))], "image": frame.ravel().tolist()})
    assert in_module(code, given) == wanted


FAKE = """
import { Detector } from "./detector.mjs";
const ort = { Tensor: class { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } } };
const seen = [], found = [];
for (const { image, peaks } of given.images) {
  const graph = { run: async ({ images }) => (seen.push([images.dims, [...images.data]]), peaks) };
  found.push(await new Detector(ort, graph, given.config).detect(image));
}
console.log(JSON.stringify({ seen, found }));
"""


@node
def test_javascript_frames_images_and_chooses_boxes_as_lingon_does():
    """Between the two stands a runtime that gives the peaks of PyTorch."""
    task, draw, images, wanted = strong_detector(0.0), np.random.default_rng(7), [], []
    for height, width in ((31, 67), (90, 40), (5, 3)):
        pixels = draw.integers(0, 256, (height, width, 3)).astype(np.uint8)
        frame = torch.from_numpy(framed(pixels, task.image_size)).permute(2, 0, 1) / 255
        with torch.inference_mode():
            peaks = zip(("boxes", "scores", "classes"), peaks_of(task.model(frame[None])), strict=True)
        opaque = np.concatenate([pixels, np.full((height, width, 1), 255, np.uint8)], -1)
        image = {"height": height, "width": width, "data": opaque.ravel().tolist()}
        images.append({"image": image, "peaks": {name: {"data": x[0].ravel().tolist()} for name, x in peaks}})
        wanted.append((frame, [one.row() for one in task.predict(pixels).objects]))
    answer = in_module(FAKE, {"images": images, "config": task.rules() | task.config() | {"threshold": 0.01}})
    for (frame, objects), (dims, data), found in zip(wanted, answer["seen"], answer["found"], strict=True):
        assert dims == [1, 3, 48, 64]
        np.testing.assert_allclose(data, frame.ravel().numpy(), atol=1e-7)
        assert found == objects
    assert 10 < max(len(found) for found in answer["found"]) <= MOST_BOXES


def test_a_peak_that_is_elsewhere_counts_and_the_order_of_equal_ones_does_not():
    peaks = torch.tensor([[0.1, 0.2, 0.3, 0.4, 0.9, 1], [0.5, 0.5, 0.6, 0.7, 0.8, 0], [0.0, 0, 0.1, 0.1, 0.1, 0]])
    assert peak_differences(peaks, peaks[[1, 0, 2]]).tolist() == [0, 0]
    moved = peaks.clone()
    moved[1, 2] += 0.01
    assert peak_differences(peaks, moved).max().item() == pytest.approx(0.01)
    moved[0, 5] = 0  # another class
    assert peak_differences(peaks, moved).max() > 0.3
    assert peak_differences(peaks * torch.nan, peaks).isnan().any()


def test_what_cannot_be_exported_is_named(tmp_path):
    task = strong_detector()
    folder = save_bundle(task, "center_net", tmp_path / "b", RUN)
    with pytest.raises(UserError, match="--int8 is for models of texts; leave it out"):
        export(folder, "onnx", int8=True)
    with pytest.raises(UserError, match="is of the kind detector, which is exported to onnx, not to gguf"):
        export(folder, "gguf")
    graph = task.graph()
    with pytest.raises(UserError, match="not exported: boxes differ from the model's by nan, allowed is 1e-04"):
        largest_peak_difference(graph, lambda images: [x * torch.nan for x in graph(images)], (3, 48, 64))
    with pytest.raises(UserError, match=r"not exported: boxes differ from the model's by .*e-0[12], allowed"):
        largest_peak_difference(graph, lambda images: graph(images + 0.1), (3, 48, 64))
