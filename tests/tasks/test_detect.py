"""Detection: targets and loss by hand, peaks, training by the command, what is predicted, and what is invalid."""

import json
import math

import numpy as np
import pytest
import torch

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.cli.app import app
from lingon.core.errors import DataError, NotFinite, UserError
from lingon.data.batches import Batch
from lingon.data.boxed_images import BoxedImage, BoxSplits
from lingon.data.files.images import save_image
from lingon.data.load_boxes import load_boxes
from lingon.models.center_net import STRIDE, CenterNet, DetectionMaps, boxes_of
from lingon.models.registry import build
from lingon.tasks.detect import Detector
from lingon.tasks.detect.decode import peaks_of
from lingon.tasks.detect.frame import framed, unframed, usual_size
from lingon.tasks.detect.objective import DetectObjective, detect_loss, loss_of, targets_of
from lingon.tasks.detect.scoring import threshold_of
from tests.data.boxed_files import drawings, write_coco, write_voc

SMALL = {"classes": 2, "width": 8, "stages": 2}


def detector(size=(48, 64), threshold=0.0):
    torch.manual_seed(1)
    return Detector(build("center_net", SMALL).eval(), ["cell", "speck"], size, threshold)


def plain_image(boxes=((1, 2, 30, 40),), labels=("cell",)):
    marks = np.zeros((2, len(labels)), bool)
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    return BoxedImage(png(pixels), "a.png", (48, 64), np.array(boxes, np.float32).reshape(-1, 4), tuple(labels), *marks)


def png(pixels):
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


def test_maps_are_a_fourth_of_the_image_and_do_not_depend_on_other_images():
    torch.manual_seed(0)
    model = CenterNet(3, width=8, stages=3, blocks=2).eval()
    images = torch.rand(5, 3, 52, 76)
    maps = model(images)
    assert maps.centers.shape == (5, 3, 13, 19)
    assert maps.sides.shape == (5, 4, 13, 19)
    assert (maps.sides > 0).all()
    torch.testing.assert_close(model(images[2:3]).centers[0], maps.centers[2], atol=1e-5, rtol=1e-5)
    again = build("center_net", model.config()).eval()
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(images).sides, maps.sides)


def test_targets_by_hand():
    """A box of 32 x 16 pixels, 8 x 4 places, about place (5, 3): a bell of 5 x 3 places, all of which learn it."""
    boxes, labels = torch.tensor([[6.0, 6, 38, 22], [0, 0, 0, 0]]), torch.tensor([1, -1])
    found = targets_of(boxes, labels, 2, 11, 13)
    assert found.centers[0].sum() == 0
    assert found.centers[1, 3, 5] == 1
    radius_x, radius_y = math.floor(8 * 0.27), math.floor(4 * 0.27)
    assert (radius_x, radius_y) == (2, 1)
    for y, x in np.ndindex(11, 13):
        dx, dy = x - 5, y - 3
        inside = abs(dx) <= radius_x and abs(dy) <= radius_y
        sigma_x, sigma_y = (2 * radius_x + 1) / 6, (2 * radius_y + 1) / 6
        bell = math.exp(-(dx**2) / (2 * sigma_x**2) - dy**2 / (2 * sigma_y**2)) if inside else 0.0
        assert found.centers[1, y, x].item() == pytest.approx(bell, abs=1e-6)
        assert (found.weights[y, x] > 0) == inside
        if inside:
            assert found.boxes[:, y, x].tolist() == [6, 6, 38, 22]
    assert found.weights.sum().item() == pytest.approx(1.0)
    assert found.counted.all()


def test_of_boxes_that_overlap_the_smaller_is_learned_where_both_are():
    boxes = torch.tensor([[20.0, 20, 28, 28], [0, 0, 48, 48]])
    found = targets_of(boxes, torch.tensor([0, 0]), 1, 12, 12)
    assert found.boxes[:, 6, 6].tolist() == [20, 20, 28, 28]
    assert found.boxes[:, 6, 4].tolist() == [0, 0, 48, 48]
    assert found.weights.sum().item() == pytest.approx(2.0)


def test_nothing_is_learned_inside_of_a_crowd():
    boxes, labels = torch.tensor([[8.0, 8, 24, 24]]), torch.tensor([2])
    found = targets_of(boxes, labels, 2, 11, 13)
    assert not found.centers.any()
    assert not found.weights.any()
    assert (~found.counted).sum() == 16
    maps = DetectionMaps(torch.randn(1, 2, 11, 13), torch.rand(1, 4, 11, 13))
    changed = DetectionMaps(maps.centers.clone(), maps.sides)
    changed.centers[0, :, 2:6, 2:6] += 5
    torch.testing.assert_close(loss_of(maps, boxes[None], labels[None]), loss_of(changed, boxes[None], labels[None]))


def test_a_loss_of_several_images_is_the_sum_of_those_of_each_and_padding_counts_nothing():
    task = detector()
    objective, images = DetectObjective(task.model), torch.rand(3, 3, 48, 64)
    boxes = torch.tensor([[[4.0, 4, 30, 30], [30, 4, 60, 40]], [[5, 5, 40, 44], [0] * 4], [[0] * 4, [0] * 4]])
    labels = torch.tensor([[0, 1], [1, -1], [-1, -1]])
    together = detect_loss(objective, Batch({"images": images, "boxes": boxes, "labels": labels}))
    alone = [objective(images[i : i + 1], boxes[i : i + 1, : 2 - i], labels[i : i + 1, : 2 - i]) for i in range(2)]
    alone.append(objective(images[2:], boxes[2:], labels[2:]))
    torch.testing.assert_close(together.total, sum(alone), rtol=1e-5, atol=1e-4)
    assert together.count == 3


def test_perfect_maps_are_decoded_to_the_boxes_and_have_almost_no_loss():
    boxes, labels = torch.tensor([[[6.0, 6, 38, 22], [30, 26, 50, 44]]]), torch.tensor([[1, 0]])
    made = targets_of(boxes[0], labels[0], 2, 11, 13)
    places = boxes_of(torch.zeros(1, 4, 11, 13))[0]
    sides = torch.stack([places[0] - made.boxes[0], places[1] - made.boxes[1], made.boxes[2] - places[2],
                         made.boxes[3] - places[3]])  # fmt: skip
    centers = torch.where(made.centers >= 1, 12.0, -12.0)
    maps = DetectionMaps(centers[None], sides[None])
    assert loss_of(maps, boxes, labels) < 1e-3
    found, scores, kinds = peaks_of(maps, 5)
    assert sorted(zip(kinds[0, :2].tolist(), found[0, :2].tolist(), strict=True)) == [
        (0.0, [30, 26, 50, 44]), (1.0, [6, 6, 38, 22])
    ]  # fmt: skip
    assert scores[0].tolist() == pytest.approx([1, 1, 0, 0, 0], abs=1e-4)


def test_a_peak_is_no_less_than_its_eight_neighbours():
    torch.manual_seed(0)
    maps = DetectionMaps(torch.randn(1, 3, 7, 9), torch.rand(1, 4, 7, 9))
    _, scores, _ = peaks_of(maps, 500)
    p, wanted = maps.centers[0].sigmoid(), []
    for c, y, x in np.ndindex(3, 7, 9):
        near = p[c, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
        if p[c, y, x] == near.max():
            wanted.append(p[c, y, x].item())
    assert scores.shape == (1, 3 * 7 * 9)
    assert [s for s in scores[0].tolist() if s] == sorted(wanted, reverse=True)


def test_an_image_is_fitted_into_the_frame_and_boxes_come_back():
    pixels = np.zeros((120, 90, 3), np.uint8)
    frame = framed(pixels, (48, 64))
    assert (frame[:, :36] == 0).all()
    assert (frame[:, 36:] == 128).all()
    back = unframed(np.array([[0, 0, 36, 48], [4, 8, 60, 12]], np.float32), (120, 90), (48, 64))
    assert back.tolist() == [[0, 0, 90, 120], [10, 20, 90, 30]]
    assert usual_size([plain_image()]) == (240, 320)


def test_threshold_of_the_best_f1_by_hand():
    """Right, wrong, right, wrong of 3: F1 after each is 2/4, 2/5, 4/6, 4/7."""
    scores, right = np.array([0.9, 0.8, 0.6, 0.5]), np.array([True, False, True, False])
    assert threshold_of(scores, right, 3) == 0.6
    assert threshold_of(scores, ~right & False, 3) == 0.5


def test_predictions_are_boxes_in_pixels_of_the_image(tmp_path):
    task = detector(threshold=0.05)
    torch.nn.init.zeros_(task.model.centers[-1].bias)
    random = np.random.default_rng(0)
    images = [random.integers(0, 255, (*size, 3)).astype(np.uint8) for size in ((96, 128), (48, 64), (300, 50))]
    for i, pixels in enumerate(images):
        save_image(tmp_path / f"{i}.png", pixels)
    found = task.predict([tmp_path / f"{i}.png" for i in range(3)])
    for pixels, one in zip(images, found, strict=True):
        assert one.size == pixels.shape[:2]
        assert one.objects
        assert [box.score for box in one.objects] == sorted((box.score for box in one.objects), reverse=True)
        for box in one.objects:
            left, top, right, bottom = box.box
            assert 0 <= left < right <= pixels.shape[1]
            assert 0 <= top < bottom <= pixels.shape[0]
    assert task.predict(images[1]).objects == task.predict([images[1]])[0].objects
    row = found[0].row()
    assert row["image"] == str(tmp_path / "0.png")
    assert row["objects"][0].keys() == {"label", "score", "box"}
    assert str(found[0]).splitlines()[0].endswith(f"0.png: {len(found[0].objects)} found")
    assert task.predict([]) == []


FLAGS = ["--width", 8, "--set", "stages=3", "--lr", 0.01, "--device", "cpu", "--image-size", "48x64", "--zoom", 1.1]


def run(*arguments):
    app([str(one) for one in arguments], standalone_mode=False)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of Pascal VOC, in the working directory."""
    monkeypatch.chdir(tmp_path)
    return write_voc(tmp_path / "mine", drawings(30))


def test_it_is_trained_and_used_by_the_commands(folder, capsys, tmp_path):
    run("train", "detect", "--data", "mine", *FLAGS, "--epochs", 20, "--evals", 1, "--out", "r")
    said = capsys.readouterr().out
    assert "try next: lingon predict r photo.jpg" in said
    assert "most mistakes:" in said
    record = json.loads((tmp_path / "r" / "run.json").read_text())
    assert record["data"]["train"] + record["data"]["valid"] + record["data"]["test"] == 30
    assert record["test"]["map50"] > 0.6
    page = (tmp_path / "r" / "report.html").read_text()
    assert all(
        part in page for part in ("precision by recall", "Each class", "speck", 'class="found"', "img-src data:")
    )
    run("evaluate", "r", "--data", "mine", "--split", "test", "--json")
    scores = json.loads(capsys.readouterr().out)
    assert scores["map"] == pytest.approx(record["test"]["map"])
    assert set(scores["per_class"]) == {"cell", "speck"}
    run("evaluate", "r", "--data", "mine", "--page", "judged.html")
    assert (tmp_path / "judged.html").read_text().count("<svg") == 30
    run("predict", "r", "mine/000.png", "--format", "jsonl", "--page", "boxes.html")
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert row["objects"]
    page = (tmp_path / "boxes.html").read_text()
    assert page.count("<rect") == len(row["objects"])
    assert "data:image/jpeg;base64," in page
    run("predict", "r", "mine", "--out", "found.csv")
    assert len((tmp_path / "found.csv").read_text().splitlines()) == 31
    task = lingon.load("r")
    assert 0 < task.threshold < 1
    again = write_coco(tmp_path / "coco", drawings(5, seed=3))
    run("evaluate", "r", "--data", "coco/coco.json", "--images", "coco/images")
    assert "per class" not in capsys.readouterr().err
    assert task.evaluate(load_boxes(again))["map50"] > 0.5


def test_it_resumes_as_if_it_had_not_stopped(folder, capsys, monkeypatch):
    flags = ["train", "detect", "--data", "mine", *FLAGS, "--epochs", 3, "--evals", 1]
    run(*flags, "--out", "whole")
    from lingon.tasks.detect import prepare

    loss, seen = prepare.detect_loss, []

    def stopped(*args):
        seen.append(1)
        if len(seen) == 7:
            raise KeyboardInterrupt
        return loss(*args)

    with monkeypatch.context() as patch:
        patch.setattr(prepare, "detect_loss", stopped)
        with pytest.raises(BaseException):  # noqa: B017
            run(*flags, "--out", "stopped")
    run(*flags, "--out", "stopped", "--resume")
    one, other = (lingon.load(name).model.state_dict() for name in ("whole", "stopped"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_labels_that_only_the_test_has_are_told_and_missed(tmp_path, capsys):
    a, b = write_voc(tmp_path / "a", drawings(12)), write_voc(tmp_path / "b", drawings(4, 1))
    for path in b.glob("*.xml"):
        path.write_text(path.read_text().replace("speck", "spot"))
    flags = ("--width", 8, "--image-size", "48x64", "--device", "cpu", "--steps", 1, "--evals", 1)
    run("train", "detect", "--data", a, "--test", b, *flags, "--out", tmp_path / "r")
    assert "no training image has a box of spot, as the test images have" in capsys.readouterr().err
    assert lingon.load(tmp_path / "r").evaluate(load_boxes(b)).tables["per_class"]["spot"]["map50"] == 0.0


def test_broken_weights_are_said():
    task = detector()
    torch.nn.init.constant_(task.model.centers[-1].bias, math.nan)
    with pytest.raises(NotFinite, match="the detector gave logits"):
        task.predict(np.zeros((9, 9, 3), np.uint8))
    assert math.isnan(task.evaluator([plain_image()])(task.model)["map"])


WRONG = {
    "a size": (["--image-size", "240"], "expected height x width as 240x320"),
    "an odd size": (["--image-size", "241x320"], "multiples of 4 from 32 to 2048"),
    "a zoom": (["--zoom", 0.5], "--zoom is 0.5; expected a number from 1 to 4"),
    "a flip": (["--flip", "left"], "unknown flip 'left'"),
    "a metric": (["--metric", "f1"], "unknown metric 'f1'"),
    "no data": (["--data", "nowhere"], "'nowhere' is neither a set of images with boxes nor a file"),
    "weights": (["--from", "minilm-l6"], "expected a detector"),
    "dropout": (["--dropout", 0.1], "--dropout is 0.1, which --model center_net does not have"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_refused_by_the_command(name, folder):
    flags, message = WRONG[name]
    data = [] if "--data" in flags else ["--data", "mine"]
    with pytest.raises(UserError, match=message):
        run("train", "detect", *data, *flags, "--out", "no")


def test_images_that_do_not_fit_into_memory_are_refused(folder, monkeypatch):
    monkeypatch.setattr("lingon.data.files.image_memory.MOST_BYTES", 10_000)
    with pytest.raises(DataError, match=r"mine: \d+ images of 48 x 64 pixels are more than 4 GB; give a smaller --im"):
        run("train", "detect", "--data", "mine", "--image-size", "48x64", "--out", "no")


def test_what_cannot_be_meant_is_refused(tmp_path, capsys):
    task = detector()
    with pytest.raises(UserError, match=r"an image is float64 of shape .*, expected pixels uint8 \[H, W, 3\]"):
        task.predict([np.zeros((3, 3, 3))])
    with pytest.raises(UserError, match="evaluate takes a list of images with boxes, not BoxSplits; give one part"):
        task.evaluate(BoxSplits([], [], [], "x"))
    with pytest.raises(UserError, match="these images have no boxes"):
        task.evaluate([plain_image((), ())])
    with pytest.raises(UserError, match="needs different labels"):
        Detector(task.model, ["a", "a"], (48, 64))
    (tmp_path / "a.txt").write_text("no image")
    folder = save_bundle(task, "center_net", tmp_path / "b", {"arguments": {}, "data": {"name": "made up"}})
    for arguments, message in (
        (["predict", str(folder), str(tmp_path / "a.txt")], "not an image that is read"),
        (["predict", str(folder), str(tmp_path / "b.png")], "there is no file"),
        (["predict", str(folder)], "reads images; give files or folders"),
    ):
        with pytest.raises(UserError, match=message):
            run(*arguments)
    config = json.loads((folder / "config.json").read_text())
    for change, message in (
        ({"image_size": [30, 64]}, "key 'image_size'"),
        ({"threshold": 2}, "key 'threshold' is '2'"),
        ({"labels": ["a"]}, "1 label for a model of 2"),
    ):
        (folder / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(DataError, match=message):
            lingon.load(folder)
    assert STRIDE == 4
