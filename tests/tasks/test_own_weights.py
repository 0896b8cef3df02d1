"""Trainings that start from a bundle of the same task: its weights and its head kept, or a fresh head, or refused."""

import json

import numpy as np
import pytest
import torch

import lingon
from lingon.cli.app import app
from lingon.core.errors import UserError
from lingon.data.files.images import save_image
from lingon.models import vgg_probe
from tests.data.boxed_files import drawings, write_voc
from tests.tasks.made_stylizer import NARROW, narrow_vgg

FEW = ("--steps", 1, "--evals", 1, "--device", "cpu")
STILL = ("--lr", "1e-12", "--weight-decay", "0")


def run(*arguments):
    app([str(one) for one in arguments], standalone_mode=False)


def weights(folder):
    return lingon.load(folder).model.state_dict()


def differing(first, second):
    """The names of the weights of two runs that are not equal; statistics of batches aside."""
    one, other = weights(first), weights(second)
    assert set(one) == set(other)
    return {
        name.rpartition(".")[0]
        for name in one
        if "running" not in name
        and "num_batches" not in name
        and (one[name].shape != other[name].shape or not torch.allclose(one[name], other[name], atol=1e-6))
    }


def classes(path, labels=("ball", "bar"), channels=3, side=15, count=8):
    draw = np.random.default_rng(0)
    for label in labels:
        (path / label).mkdir(parents=True)
        for i in range(count):
            image = draw.integers(0, 90, (side, side, channels), np.uint8)
            image[:, i % side if label == "bar" else slice(4, 9)] = 255
            save_image(path / label / f"{i}.png", image[..., 0] if channels == 1 else image)
    return path


@pytest.fixture
def classifier(tmp_path):
    data = classes(tmp_path / "two")
    run("train", "classify", "--data", data, "--width", 8, *FEW, "--out", tmp_path / "first")
    return tmp_path, data, ("train", "classify", "--from", tmp_path / "first")


def test_a_classifier_of_images_is_trained_further_with_its_head(classifier, capsys):
    path, data, flags = classifier
    run(*flags, "--data", data, *FEW, *STILL, "--out", path / "again")
    assert differing(path / "first", path / "again") == set()
    assert "fresh" not in capsys.readouterr().err
    kept = json.loads((path / "again" / "run.json").read_text())
    assert kept["arguments"]["model"] == "resnet"
    assert kept["pretrained"]["name"] == str(path / "first")


def test_other_labels_get_a_fresh_head_and_grey_images_are_read_in_colour(classifier, capsys):
    path, _, flags = classifier
    other = classes(path / "three", ("ball", "bar", "none"), channels=1, side=17)
    run(*flags, "--data", other, *FEW, *STILL, "--out", path / "again")
    assert "the labels differ from those of" in capsys.readouterr().err
    assert differing(path / "first", path / "again") == {"out"}
    task = lingon.load(path / "again")
    assert (task.labels, task.layout.channels, task.layout.height) == (["ball", "bar", "none"], 3, 17)


def test_a_learning_rate_that_is_not_named_is_a_quarter_of_the_usual_one(classifier):
    path, data, flags = classifier
    run(*flags, "--data", data, *FEW, "--out", path / "again")
    assert json.loads((path / "again" / "run.json").read_text())["arguments"]["lr"] == pytest.approx(5e-3 / 4)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--width", 9), "--width is 9, but --from .* brings its model"),
        (("--model", "lenet"), "--model is lenet"),
        (("--C", 3), "--C is 3.0"),
        (("--dropout", 0.3), "has none of its own"),
        (("--tuning", "frozen"), "--tuning is not for images"),
        (("--augment", "spin"), "spin"),
    ],
)
def test_what_the_weights_have_decided_is_refused(classifier, more, said):
    path, data, flags = classifier
    with pytest.raises(UserError, match=said):
        run(*flags, "--data", data, *more, "--out", path / "again")
    assert not (path / "again").exists()


def test_weights_of_another_kind_are_refused(classifier, tmp_path):
    path, _, flags = classifier
    (tmp_path / "texts.csv").write_text("text,label\n" + "".join(f"film {i},{i % 2}\n" for i in range(40)))
    with pytest.raises(UserError, match=r"reads images, and 'texts.*' holds texts"):
        run(*flags, "--data", tmp_path / "texts.csv", "--out", path / "again")
    with pytest.raises(UserError, match="is an image classifier; expected a detector"):
        run("train", "detect", "--data", detection(tmp_path), "--from", path / "first", "--out", path / "again")


def test_lenet_wants_images_of_its_size(tmp_path):
    data = classes(tmp_path / "two")
    run("train", "classify", "--data", data, "--model", "lenet", *FEW, "--out", tmp_path / "first")
    flags = ("train", "classify", "--data", data, "--from", tmp_path / "first", *FEW)
    with pytest.raises(UserError, match="reads images of 15 x 15 pixels, and these are 20 x 20; give --image-size 15"):
        run(*flags, "--image-size", 20, "--out", tmp_path / "again")
    run(*flags, *STILL, "--out", tmp_path / "again")
    assert differing(tmp_path / "first", tmp_path / "again") == set()


def test_a_probe_keeps_its_trunk_under_other_labels(tmp_path, monkeypatch):
    monkeypatch.setattr(vgg_probe, "load_vgg", narrow_vgg)
    flags = ("--model", "vgg_probe", "--set", f"filters={list(NARROW)}", "--device", "cpu")
    run("train", "classify", "--data", classes(tmp_path / "two"), *flags, "--out", tmp_path / "first")
    monkeypatch.setattr(vgg_probe, "load_vgg", None)
    other = classes(tmp_path / "three", ("ball", "bar", "none"))
    run("train", "classify", "--data", other, "--from", tmp_path / "first", "--C", 0.1, "--out", tmp_path / "again")
    assert differing(tmp_path / "first", tmp_path / "again") == {"out"}


def detection(path, name="a", rename=None):
    data = write_voc(path / name, drawings(12))
    for file in data.glob("*.xml") if rename else ():
        file.write_text(file.read_text().replace(*rename))
    return data


def test_a_detector_is_trained_further_and_learns_other_labels(tmp_path, capsys):
    small = ("--width", 8, "--set", "stages=2", "--image-size", "48x64")
    run("train", "detect", "--data", detection(tmp_path), *small, *FEW, "--out", tmp_path / "first")
    again = ("train", "detect", "--from", tmp_path / "first", *FEW, *STILL)
    run(*again, "--data", tmp_path / "a", "--out", tmp_path / "same")
    assert differing(tmp_path / "first", tmp_path / "same") == set()
    assert lingon.load(tmp_path / "same").image_size == (48, 64)
    other = detection(tmp_path, "b", ("speck", "dot"))
    run(*again, "--data", other, "--image-size", "32x40", "--out", tmp_path / "other")
    assert "centers.3.bias, centers.3.weight are initialized anew" in capsys.readouterr().err
    assert differing(tmp_path / "first", tmp_path / "other") == {"centers.3"}
    task = lingon.load(tmp_path / "other")
    assert (task.labels, task.image_size) == (["cell", "dot"], (32, 40))


def masks(path, names):
    for i in range(8):
        pixels, mask = np.full((16, 16, 3), 30 * i, np.uint8), np.zeros((16, 16), np.uint8)
        mask[4:9, i : i + 5] = 1 + i % 2
        save_image(path / "images" / f"{i}.png", pixels)
        save_image(path / "masks" / f"{i}.png", mask)
    (path / "classes.txt").write_text("\n".join(names) + "\n")
    return path


def test_a_segmenter_is_trained_further_and_learns_other_classes(tmp_path, capsys):
    (tmp_path / "a" / "images").mkdir(parents=True)
    (tmp_path / "b" / "images").mkdir(parents=True)
    first = masks(tmp_path / "a", ("ground", "cat", "dog"))
    size = ("--image-size", 16, *FEW)
    run("train", "segment", "--data", first, "--width", 4, "--set", "depth=1", *size, "--out", tmp_path / "first")
    again = ("train", "segment", "--from", tmp_path / "first", *size, *STILL)
    run(*again, "--data", first, "--out", tmp_path / "same")
    assert differing(tmp_path / "first", tmp_path / "same") == set()
    run(*again, "--data", masks(tmp_path / "b", ("ground", "dog", "cat")), "--out", tmp_path / "other")
    assert "the classes differ from those of" in capsys.readouterr().err
    assert differing(tmp_path / "first", tmp_path / "other") == {"output"}


def test_a_captioner_is_trained_further_with_its_tokenizer(tmp_path):
    data = tmp_path / "mine"
    for i in range(9):
        save_image(data / f"{i}.png", np.full((16, 16, 3), 20 * i, np.uint8))
    captions = [f"{i}.png,a {word} picture" for i, word in zip(range(9), ["dark", "grey", "light"] * 3, strict=True)]
    (data / "captions.csv").write_text("image,caption\n" + "\n".join(captions) + "\n")
    size = ("--data", data, "--image-size", 16, *FEW)
    small = ("--width", 8, "--set", "heads=2", "--set", "filters=8", "--vocab", 270, "--context-length", 20)
    run("train", "caption", *small, *size, "--out", tmp_path / "first")
    again = ("train", "caption", "--from", tmp_path / "first", *FEW)
    run(*again, *STILL, "--data", data, "--image-size", 16, "--out", tmp_path / "same")
    assert differing(tmp_path / "first", tmp_path / "same") == set()
    tokens = [lingon.load(tmp_path / name).tokenizer.vocab for name in ("first", "same")]
    assert tokens[0] == tokens[1]
    with pytest.raises(UserError, match="give --image-size 16"):
        run(*again, "--data", data, "--out", tmp_path / "no")
    with pytest.raises(UserError, match="--context-length is 9"):
        run(*again, "--data", data, "--context-length", 9, "--out", tmp_path / "no")


def asked(path, answers):
    draw = np.random.default_rng(0)
    rows = ["image,question,answer"]
    for i in range(12):
        save_image(path / f"{i}.png", draw.integers(0, 255, (16, 16, 3), np.uint8))
        rows += [f"{i}.png,what is it?,{answers[i % len(answers)]}", f"{i}.png,is it red?,{answers[0]}"]
    (path / "asked.csv").write_text("\n".join(rows) + "\n")
    return path / "asked.csv"


def test_a_visual_answerer_is_trained_further_and_learns_other_answers(tmp_path, capsys):
    size = ("--image-size", 16, *FEW)
    data = asked(tmp_path / "a", ("yes", "no"))
    small = ("--width", 8, "--set", "halvings=2", "--set", "filters=4")
    run("train", "vqa", "--data", data, *small, *size, "--out", tmp_path / "first")
    again = ("train", "vqa", "--from", tmp_path / "first", *STILL)
    run(*again, *size, "--data", data, "--out", tmp_path / "same")
    assert differing(tmp_path / "first", tmp_path / "same") == set()
    other = asked(tmp_path / "b", ("yes", "no", "perhaps"))
    run(*again, *size, "--data", other, "--out", tmp_path / "other")
    assert "the answers differ from those of" in capsys.readouterr().err
    assert lingon.load(tmp_path / "other").answers == ["yes", "no", "perhaps"]
    assert len(differing(tmp_path / "first", tmp_path / "other")) == 1
    with pytest.raises(UserError, match="give --image-size 16"):
        run(*again, *FEW, "--image-size", 24, "--data", data, "--out", tmp_path / "no")
