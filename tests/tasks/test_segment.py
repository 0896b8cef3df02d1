"""Segmentation: the loss, training by the command, what is predicted and drawn, and what is invalid."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.cli.app import app
from lingon.core.errors import DataError, UserError
from lingon.data.batches import Batch
from lingon.data.files.images import save_image
from lingon.data.files.masks import read_mask, save_mask
from lingon.data.masked_images import MaskedImages, MaskedSplits
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw
from lingon.models.registry import build
from lingon.tasks.segment import Segmenter
from lingon.tasks.segment.enlarge import enlarged_mask
from lingon.tasks.segment.held_out import HeldOut
from lingon.tasks.segment.objective import SegmentObjective, dice_loss, pixel_loss, segment_loss

pytest.importorskip("PIL.Image")
CLASSES = ["ground", "red", "blue"]
SIZES = {"classes": 3, "width": 8, "depth": 1}
COLOURS = {1: (255, 0, 0), 2: (0, 0, 255)}


def images(count=11, size=16, seed=0):
    """Dark pictures with a red and a blue square."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 80, (count, size, size, 3), np.uint8)
    masks = np.zeros((count, size, size), np.uint8)
    for i in range(count):
        for number, colour in COLOURS.items():
            y, x = random.integers(0, size - 5, 2)
            pixels[i, y : y + 5, x : x + 5], masks[i, y : y + 5, x : x + 5] = colour, number
    return MaskedImages(pixels, masks, CLASSES)


def segmenter(size=16, **sizes):
    torch.manual_seed(0)
    return Segmenter(build("unet", SIZES | sizes).eval(), CLASSES, size)


def slow_losses(logits, mask):
    """Cross-entropy and 1 - Dice of one image, class by class and pixel by pixel."""
    counted = [(y, x) for y in range(mask.shape[0]) for x in range(mask.shape[1]) if mask[y, x] != 255]
    chances = logits.softmax(0)
    entropy = sum(-math.log(chances[mask[y, x], y, x]) for y, x in counted) / len(counted)
    dice = []
    for c in sorted({int(mask[p]) for p in counted}):
        true = [p for p in counted if mask[p] == c]
        both = sum(float(chances[c][p]) for p in true)
        dice.append((2 * both + 1) / (sum(float(chances[c][p]) for p in counted) + len(true) + 1))
    return entropy, 1 - sum(dice) / len(dice)


def test_losses_equal_those_counted_pixel_by_pixel():
    torch.manual_seed(0)
    logits, masks = torch.randn(2, 5, 3, 7), torch.randint(0, 4, (2, 3, 7))
    masks[0, 1, 2:5] = 255
    logprobs = logits.log_softmax(1)
    for i in range(2):
        entropy, dice = slow_losses(logits[i], masks[i])
        assert float(pixel_loss(logprobs, masks)[i]) == pytest.approx(entropy, rel=1e-5)
        assert float(dice_loss(logprobs, masks)[i]) == pytest.approx(dice, rel=1e-5)
    expected = F.cross_entropy(logits, masks, ignore_index=255, reduction="none")
    assert float(pixel_loss(logprobs, masks)[1]) == pytest.approx(float(expected[1].mean()))


def test_an_image_without_a_pixel_that_counts_has_no_loss_and_a_finite_gradient():
    task = segmenter()
    batch = Batch({"images": torch.rand(1, 3, 16, 16), "masks": torch.full((1, 16, 16), 255)})
    found = segment_loss(SegmentObjective(task.model), batch)
    found.total.backward()
    assert (float(found.total.detach()), found.count) == (0.0, 1.0)
    assert all(p.grad.isfinite().all() for p in task.model.parameters())


def test_the_weight_of_dice_is_that_of_its_part():
    task = segmenter()
    batch = next(iter(task.batches(images(), 11)))
    none, one, three = (
        float(segment_loss(SegmentObjective(task.model, w), batch).total.detach()) for w in (0.0, 1.0, 3.0)
    )
    assert three - none == pytest.approx(3 * (one - none), rel=1e-4)


def test_sixty_steps_find_the_squares():
    task, train = segmenter(), images(11)
    task.model.train()
    before = task.evaluate(train)["miou"]
    config = TrainConfig(steps=60)
    fit(SegmentObjective(task.model), task.batches(train, 5), segment_loss, adamw(task.model, 0.01), config=config)
    found = task.evaluate(images(7, seed=1))
    assert found["miou"] > max(0.9, before)
    assert found.main == "miou"
    assert found.tables["per_class"]["red"]["support"] > 100
    assert task.evaluator(train)(task.model)["miou"] == task.evaluate(train)["miou"]


def test_broken_weights_are_nan_while_training_and_told_afterwards():
    task = segmenter()
    task.model.output.bias.data[:] = math.nan
    assert math.isnan(task.evaluator(images())(task.model)["dice"])
    with pytest.raises(ArithmeticError, match="the segmenter gave logits"):
        task.evaluate(images())


def test_a_mask_has_the_size_of_its_image_and_is_that_of_interpolated_logits():
    logits = torch.randn(3, 4, 5)
    expected = F.interpolate(logits[None], (11, 13), mode="bilinear", align_corners=False)[0].argmax(0)
    np.testing.assert_array_equal(enlarged_mask(logits, 11, 13), expected.numpy())
    assert enlarged_mask(logits, 3, 2_500).shape == (3, 2_500)


def test_an_image_is_a_path_or_pixels_one_or_several(tmp_path):
    task, some = segmenter(), images(3, size=23)
    paths = [save_image(tmp_path / f"{i}.png", pixels) for i, pixels in enumerate(some.pixels)]
    together, alone = task.predict([str(path) for path in paths]), [task.predict(pixels) for pixels in some.pixels]
    for i, (one, other) in enumerate(zip(together, alone, strict=True)):
        np.testing.assert_array_equal(one.mask, other.mask)
        assert one.mask.shape == (23, 23)
        assert sum(one.row()["shares"].values()) == pytest.approx(1)
        assert str(one).startswith(f"{paths[i]}: ")
    assert alone[0] == task.predict([some.pixels[0]])[0]
    assert alone[0] != replace(alone[0], mask=alone[0].mask + 1)
    with pytest.raises(UserError, match="image 1 is float64 of shape"):
        task.predict([np.zeros((3, 3, 3))])


def test_images_are_judged_the_worst_first():
    task, some = segmenter(), images(5)
    judged = HeldOut(task, some).judged
    assert [one.miou for one in judged] == sorted(one.miou for one in judged)
    true, found, _, share = HeldOut(task, some).confused(1)[0]
    assert {true, found} <= {*CLASSES}
    assert true != found
    assert 0 < share <= 1


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of the user's, in the working directory."""
    monkeypatch.chdir(tmp_path)
    some = images(23, size=24)
    for i, (pixels, mask) in enumerate(zip(some.pixels, some.masks, strict=True)):
        for kind in ("images", "masks"):
            (tmp_path / "mine" / kind).mkdir(parents=True, exist_ok=True)
        save_image(tmp_path / "mine" / "images" / f"{i}.png", pixels)
        save_mask(tmp_path / "mine" / "masks" / f"{i}.png", mask, 3)
    (tmp_path / "mine" / "classes.txt").write_text("\n".join(CLASSES))
    return tmp_path


FLAGS = ("train", "segment", "--data", "mine", "--image-size", 16, "--width", 8, "--set", "depth=1", "--device", "cpu")


def run(capsys, *arguments):
    app([str(one) for one in arguments], standalone_mode=False)
    return capsys.readouterr().out


def test_the_command_line_trains_predicts_evaluates_and_resumes(folder, capsys):
    flags = (*FLAGS, "--epochs", 10, "--evals", 2, "--batch-size", 3, "--lr", 0.01)
    said = run(capsys, *flags, "--out", "run")
    assert float(re.search(r"miou (0\.\d+)", said)[1]) > 0.5
    assert "try next: lingon predict run photo.png --out mask.png" in said
    assert json.loads((folder / "run/run.json").read_text())["arguments"]["image_size"] == 16
    page = (folder / "run/report.html").read_text()
    assert page.count("data:image/png;base64,") >= 3 * 4
    assert all(name in page for name in ("Worst images", "Best images", "Each class", *CLASSES))

    said = run(capsys, "predict", "run", "mine/images/0.png", "--out", "mask.png", "--page", "page.html")
    assert said.startswith("mask.png: mine/images/0.png: ground ")
    np.testing.assert_array_equal(read_mask("mask.png"), lingon.load("run").predict("mine/images/0.png").mask)
    page = (folder / "page.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert 'type="range"' in page
    run(capsys, "predict", "run", "mine/images", "--out", "masks")
    assert len(list((folder / "masks").iterdir())) == 23
    run(capsys, "predict", "run", "mine/images/0.png", "--out", "shares.csv")
    header = (folder / "shares.csv").read_text().splitlines()[0]
    assert header == "image,share_ground,share_red,share_blue"
    found = json.loads(run(capsys, "evaluate", "run", "--data", "mine", "--json", "--page", "e.html"))
    assert found["per_class"]["red"]["support"] > 0
    assert "Worst images" in (folder / "e.html").read_text()

    run(capsys, *flags, "--steps", 5, "--out", "short")
    with pytest.raises(UserError, match="other arguments: image_size"):
        run(capsys, *flags, "--image-size", 8, "--steps", 5, "--out", "short", "--resume")


def test_what_cannot_be_written_is_refused_before_any_work(folder, capsys):
    save_bundle(segmenter(), "unet", folder / "b", {"arguments": {"seed": 0}, "data": {"name": "made up"}})
    two = ("predict", "b", "mine/images/0.png", "mine/images/1.png", "--out")
    with pytest.raises(UserError, match=r"--out 'mask\.png' is one picture, and there are 2 photos; name a folder"):
        run(capsys, *two, "mask.png")
    with pytest.raises(UserError, match=r"--out 'mask\.jpg' ends in '\.jpg'; expected \.png"):
        run(capsys, "predict", "b", "mine/images/0.png", "--out", "mask.jpg")
    run(capsys, *two, "masks")
    with pytest.raises(UserError, match=r"masks.0\.png: already exists"):
        run(capsys, *two, "masks")
    run(capsys, *two, "masks", "--overwrite")
    with pytest.raises(UserError, match=r"two of the images would be '0\.png'"):
        run(capsys, "predict", "b", "mine/images/0.png", "masks/0.png", "--out", "others")
    with pytest.raises(UserError, match=r"0\.png: is the input file"):
        run(capsys, "predict", "b", "mine/images/0.png", "--out", "mine/images")


WRONG = {
    "an augmentation": (["--augment", "turn"], "unknown augment 'turn'"),
    "a metric": (["--metric", "iou"], "unknown metric 'iou'; did you mean 'miou'"),
    "a weight": (["--dice-weight", "-1"], "--dice-weight is -1.0; expected 0 or more"),
    "weights to start from": (["--from", "minilm-l6"], "expected a segmenter"),
    "a size of the model": (["--set", "depth=9"], "unet: key 'depth' is '9', expected a whole number from 1 to 6"),
    "no folder": (["--data", "nowhere"], "'nowhere' is no folder with images/ and masks/ in it, and not 'scenes'"),
    "images without masks": (["--data", "stamps"], "'stamps' has no masks"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_settings_are_named(name, folder, capsys):
    given, message = WRONG[name]
    with pytest.raises(UserError, match=re.escape(message)):
        run(capsys, *FLAGS, *given, "--out", "wrong")


def test_examples_of_another_kind_are_refused():
    task, some = segmenter(), images()
    with pytest.raises(UserError, match=r"not MaskedSplits; give one part of it, such as splits\.test"):
        task.evaluate(MaskedSplits(some, some, some, "made up"))
    with pytest.raises(UserError, match="the classes are"):
        task.evaluate(MaskedImages(some.pixels, some.masks, ["a", "b", "c"]))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("classes", ["a"], "two or more"),
        ("classes", ["a", "a", "b"], "different printable names"),
        ("classes", ["a", "b"], "2 classes for a model of 3"),
        ("size", 0, "key 'size' is 0, expected 1 to 4096"),
        ("size", "64", "key 'size'"),
    ],
)
def test_a_wrong_config_is_refused_by_key(key, value, message):
    with pytest.raises(DataError, match=message):
        Segmenter.check_config(segmenter().config() | {key: value}, {"model": SIZES})
