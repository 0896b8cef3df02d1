"""Image classification: Grad-CAM by hand, training by the command, folders of classes, pages, and what is refused."""

import json
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.cli.app import app
from lingon.core.errors import DataError, NotFinite, UserError
from lingon.core.tensors import shapes_in
from lingon.data.files.images import save_image
from lingon.data.image_layout import ImageLayout
from lingon.data.labelled_images import LabelledImages
from lingon.data.load_images import holds_labelled_images, load_images
from lingon.models import vgg_probe
from lingon.models.registry import build
from lingon.recipes import summary
from lingon.tasks.classify_images import ImageClassifier, probe
from lingon.tasks.classify_images.grad_cam import grad_cam
from lingon.tasks.classify_images.probe import vectors_of
from tests.tasks.made_stylizer import NARROW, narrow_vgg

LABELS = ["ball", "bar", "cross"]


def classifier(model="resnet", channels=1, height=13, width=17):
    torch.manual_seed(0)
    sizes = {"resnet": {"width": 4}, "lenet": {"image_height": height, "image_width": width}}[model]
    net = build(model, {"classes": 3, "channels": channels, **sizes})
    return ImageClassifier(net.eval(), LABELS, ImageLayout(height, width, channels))


def pixels(n=5, height=13, width=17, channels=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, height, width, channels), np.uint8)


def drawn(label, seed, side=15, colour=(255, 255, 255)):
    """An image that shows what it is called: constructed, with noise."""
    draw = np.random.default_rng(seed)
    image = draw.integers(0, 60, (side, side, 3), np.uint8)
    y, x = draw.integers(5, side - 5, 2)
    if label == "ball":
        rows, columns = np.ogrid[:side, :side]
        image[(rows - y) ** 2 + (columns - x) ** 2 <= 9] = colour
    elif label == "bar":
        image[:, x - 1 : x + 1] = colour
    else:
        image[y, x - 4 : x + 5] = image[y - 4 : y + 5, x] = colour
    return image


def folder_of(path, labels=LABELS, count=20, ending=".png", **how):
    for i, label in enumerate(labels):
        (path / label).mkdir(parents=True)
        for j in range(count):
            save_image(path / label / f"{j}{ending}", drawn(label, 100 * i + j, **how))
    return path


class Weighted(nn.Module):
    """Two maps that are the image and its opposite, and a linear layer on their means."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[2.0, -1.0], [-3.0, 5.0]]))

    def features(self, images):
        return torch.cat([images, 1 - images], 1)

    def head(self, maps):
        return maps.mean((2, 3)) @ self.weight.T


def test_grad_cam_of_a_mean_and_a_linear_layer_is_its_weighted_maps():
    images = torch.rand(2, 1, 3, 5)
    found = grad_cam(Weighted(), images, torch.tensor([0, 1]))
    for image, heat, weights in zip(images[:, 0], found, [(2.0, -1.0), (-3.0, 5.0)], strict=True):
        by_hand = (weights[0] * image + weights[1] * (1 - image)).clamp(min=0)
        torch.testing.assert_close(heat, by_hand / by_hand.max())
    nothing = Weighted()
    nothing.weight.data.fill_(-1)
    assert grad_cam(nothing, images, torch.tensor([0, 1])).abs().max() == 0


@pytest.mark.parametrize("model", ["resnet", "lenet"])
def test_grad_cam_changes_nothing_and_has_the_size_of_the_maps(model):
    task = classifier(model)
    images, before = torch.rand(2, 1, 13, 17), task.model.state_dict()["out.weight"].clone()
    task.model.train()
    heat = grad_cam(task.model, images, torch.tensor([2, 0]))
    assert heat.shape[0] == 2
    assert heat.shape[1:] == task.model.features(images).shape[2:]
    assert task.model.training
    assert task.model.out.weight.grad is None
    torch.testing.assert_close(task.model.state_dict()["out.weight"], before, rtol=0, atol=0)


def test_the_loss_is_the_cross_entropy_over_images():
    task = classifier()
    some = LabelledImages(pixels(), ["bar", "ball", "cross", "bar", "bar"])
    (batch,) = task.batches(some, batch_size=7)
    logits = task.model(torch.from_numpy(some.pixels).permute(0, 3, 1, 2).float() / 255)
    found = task.loss(task.model, batch)
    torch.testing.assert_close(found.total, F.cross_entropy(logits, torch.tensor([1, 0, 2, 1, 1]), reduction="sum"))
    assert found.count == 5


def test_an_image_alone_is_that_of_many_whatever_it_comes_as(tmp_path):
    task = classifier()
    arrays = list(pixels())
    path = save_image(tmp_path / "one.png", arrays[3])
    together = task.predict([*arrays, path, str(path), arrays[3][..., 0]])
    for found in (task.predict(path), *together[5:]):
        assert found.probabilities == pytest.approx(together[3].probabilities, abs=1e-6)
    assert together[5].image == str(path)
    assert together[1].row()["image"] == "image 2"
    assert sum(together[0].probabilities.values()) == pytest.approx(1)
    assert task.predict([]) == []


def test_colour_alpha_and_other_sizes_are_fitted(tmp_path):
    task = classifier(channels=3)
    alpha = np.zeros((9, 9, 4), np.uint8)  # nothing at all: white paper is seen
    white = np.full((30, 20, 3), 255, np.uint8)
    path = save_image(tmp_path / "nothing.png", alpha)
    first, second = task.predict([path, white])
    assert first.probabilities == pytest.approx(second.probabilities)
    with pytest.raises(UserError, match="uint8"):
        task.predict(np.zeros((5, 5)))


def test_broken_weights_are_told():
    task = classifier()
    task.model.out.weight.data[0, 0] = float("nan")
    some = LabelledImages(pixels(), ["bar"] * 5)
    with pytest.raises(NotFinite):
        task.evaluate(some)
    assert np.isnan(task.evaluator(some)(task.model)["loss"])


def test_other_images_than_the_model_reads_are_refused():
    task = classifier()
    with pytest.raises(UserError, match="13, 17, 1"):
        task.evaluate(LabelledImages(pixels(height=11), ["bar"] * 5))
    with pytest.raises(UserError, match="there are no images"):
        task.evaluate(LabelledImages(pixels(0), []))
    with pytest.raises(UserError, match="LabelledImages"):
        task.evaluate(["a text"])


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("labels", ["a", "a", "b"], "labels"), ("image", {"height": 3}, "image"), ("labels", ["a", "b"], "classes")],
)
def test_a_bundle_that_cannot_be_meant_is_refused(tmp_path, key, value, said):
    folder = save_bundle(classifier(), "resnet", tmp_path / "b", {})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {key: value}))
    with pytest.raises(DataError, match=said):
        lingon.load(folder)


def run(*arguments):
    app([str(one) for one in arguments], standalone_mode=False)


def test_a_folder_is_trained_on_resumed_asked_and_evaluated_by_the_command(tmp_path, capsys):
    data = folder_of(tmp_path / "shapes", count=24)
    flags = ("train", "classify", "--data", data, "--width", 8, "--epochs", 12, "--lr", 0.01, "--augment", "shift")
    run(*flags, "--device", "cpu", "--out", tmp_path / "run")
    said = capsys.readouterr().out
    assert "held-out images" in said
    task = lingon.load(tmp_path / "run")
    assert task.layout == ImageLayout(15, 15, 3)  # noise has colours
    assert task.labels == LABELS
    photo = data / "bar" / "3.png"
    run("predict", tmp_path / "run", photo, data / "ball", "--page", tmp_path / "page.html", "--format", "jsonl")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (len(rows), rows[0]["image"]) == (25, str(photo))
    page = (tmp_path / "page.html").read_text()
    assert page.count('src="data:image/png;base64,') == 50
    assert "img-src data:" in page
    with pytest.raises(UserError, match="is an image classifier; --beams is for models that write a text"):
        run("predict", tmp_path / "run", photo, "--beams", 2)
    broken = tmp_path / "broken.png"
    broken.write_bytes(photo.read_bytes()[:100])
    with pytest.raises(DataError, match=r"broken\.png: .*; --on-bad-row skip leaves such files out"):
        run("predict", tmp_path / "run", photo, broken)
    with pytest.raises(DataError, match="none of these files"):
        run("predict", tmp_path / "run", broken, "--on-bad-row", "skip")
    capsys.readouterr()
    run("predict", tmp_path / "run", photo, broken, "--on-bad-row", "skip", "--format", "jsonl")
    said = capsys.readouterr()
    assert [json.loads(line)["image"] for line in said.out.splitlines()] == [str(photo)]
    assert "1 file that cannot be read is left out; the first: " in said.err
    run("evaluate", tmp_path / "run", "--data", data, "--json", "--page", tmp_path / "scores.html")
    scores = json.loads(capsys.readouterr().out)
    assert scores["accuracy"] > 0.8
    assert "the label is" in (tmp_path / "scores.html").read_text() or scores["accuracy"] == 1
    report = (tmp_path / "run" / "report.html").read_text()
    assert "where the model looked" in report
    assert "Confusion matrix" in report
    run("evaluate", tmp_path / "run", "--data", data, "--split", "test", "--json")
    kept = json.loads((tmp_path / "run" / "run.json").read_text())
    assert json.loads(capsys.readouterr().out)["accuracy"] == pytest.approx(kept["test"]["accuracy"])
    run(*flags, "--device", "cpu", "--out", tmp_path / "run", "--resume")
    assert "trained already" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--max-length", 3), "--max-length is for texts"),
        (("--text", "a"), "--text is for texts"),
        (("--vectors", "glove-6b-50d"), "--vectors is for texts"),
        (("--loss", "focal"), "--loss is not for images"),
        (("--model", "textcnn"), "textcnn"),
        (("--augment", "spin"), "spin"),
        (("--image-size", 2), "--image-size is 2"),
        (("--image-fit", "tile"), "tile"),
        (("--model", "lenet", "--width", 9), "lenet"),
    ],
)
def test_flags_of_texts_and_impossible_ones_are_refused_of_images(tmp_path, capsys, flags, said):
    data = folder_of(tmp_path / "shapes", count=3)
    with pytest.raises((UserError, SystemExit), match=None) as caught:
        run("train", "classify", "--data", data, *flags, "--out", tmp_path / "run")
    assert said in str(caught.value) + capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("flags", [("--image-size", 32), ("--augment", "flip"), ("--model", "resnet")])
def test_flags_of_images_are_refused_of_texts(tmp_path, capsys, flags):
    (tmp_path / "texts.csv").write_text("text,label\na,b\n")
    with pytest.raises((UserError, SystemExit)) as caught:
        run("train", "classify", "--data", tmp_path / "texts.csv", *flags, "--out", tmp_path / "run")
    assert "for images" in str(caught.value) + capsys.readouterr().err


def test_parts_are_cut_or_those_of_folders_and_equal_images_stay_together(tmp_path, capsys):
    whole = load_images(folder_of(tmp_path / "a", count=10))
    assert [len(getattr(whole, part)) for part in ("train", "valid", "test")] == [21, 3, 6]
    assert not set(whole.train.paths) & set(whole.test.paths)
    for part, count in (("train", 5), ("dev", 2), ("test", 3)):
        folder_of(tmp_path / "b" / part, count=count, side=11)
    parts = load_images(tmp_path / "b", size=12, fit="pad")
    assert [len(getattr(parts, part)) for part in ("train", "valid", "test")] == [15, 6, 9]
    assert parts.train.pixels.shape[1:] == (12, 12, 3)
    assert "also in training" in capsys.readouterr().err  # the parts here show the same
    twin = folder_of(tmp_path / "c", count=1)
    for label in LABELS:
        for i in range(9):
            save_image(twin / label / f"copy{i}.png", drawn(label, i // 3))
    cut = load_images(twin)
    keys = [{one.tobytes() for one in getattr(cut, part).pixels} for part in ("train", "valid", "test")]
    assert not keys[0] & keys[2]
    assert not keys[1] & (keys[0] | keys[2])


def test_grey_images_have_one_channel_and_sizes_are_fitted_and_said(tmp_path, capsys):
    folder = tmp_path / "grey"
    for label in ("a", "b"):
        (folder / label).mkdir(parents=True)
        for i in range(5):
            side = 21 if i == 4 else 17
            save_image(folder / label / f"{i}.png", pixels(1, side, 17, 1, seed=i + ord(label))[0])
    found = load_images(folder)
    assert found.train.pixels.shape[1:] == (17, 17, 1)
    assert "2 images had another size than 17 x 17" in capsys.readouterr().err


def test_what_is_no_folder_of_classes_is_refused(tmp_path, capsys):
    with pytest.raises(DataError, match="'ball'; two or more"):
        load_images(folder_of(tmp_path / "one", labels=["ball"]))
    with pytest.raises(DataError, match="three or more different ones"):
        load_images(folder_of(tmp_path / "few", count=1))
    (tmp_path / "empty" / "a").mkdir(parents=True)
    assert not holds_labelled_images(tmp_path / "empty")
    with pytest.raises(DataError, match="no images in folders"):
        load_images(tmp_path / "empty")
    single = folder_of(tmp_path / "single", labels=["ball", "bar"], count=9)
    folder_of(tmp_path / "more", labels=["cross"], count=1)
    (tmp_path / "more" / "cross").rename(single / "cross")
    (single / "nothing").mkdir()
    save_image(single / "loose.png", pixels(1)[0])
    assert "cross" in load_images(single).train.labels
    said = capsys.readouterr().err
    assert "classes with one image, so in the training part alone: 'cross'" in said
    assert "no images in the folders nothing" in said
    assert "1 image is in the folder of no class" in said


def test_an_unreadable_image_stops_or_is_counted(tmp_path, capsys):
    data = folder_of(tmp_path / "shapes", count=6)
    whole = (data / "ball" / "0.png").read_bytes()
    (data / "bar" / "2.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"bar/2.png.*--on-bad-row skip"):
        load_images(data)
    found = load_images(data, on_bad_row="skip")
    assert sum(len(getattr(found, part)) for part in ("train", "valid", "test")) == 17
    assert found.source["skipped"] == 1
    assert re.search(r"1 file that cannot be read is left out; the first: .*2\.png", capsys.readouterr().err)


def test_labels_that_the_model_does_not_know_are_named(tmp_path):
    from lingon.data.load_images import load_image_part

    data = folder_of(tmp_path / "shapes", labels=["ball", "star"], count=2)
    with pytest.raises(UserError, match="label 'star'; it knows ball"):
        load_image_part(data, None, ImageLayout(13, 17, 1), LABELS)


@pytest.mark.data
def test_digits_are_images_whose_ink_is_255():
    digits = load_images("digits")
    assert (len(digits.train), len(digits.valid), len(digits.test)) == (3500, 500, 1000)
    assert digits.train.pixels.shape[-1] == 1
    assert np.median(digits.train.pixels) == 0
    assert set(digits.train.labels) == set("0123456789")
    assert load_images("digits", size=14).test.pixels.shape == (1000, 14, 14, 1)


def narrow_probe(monkeypatch):
    """The flags of a probe whose trunk is a narrow one with fresh weights, in place of the published one."""
    monkeypatch.setattr(vgg_probe, "load_vgg", narrow_vgg)
    return ("--model", "vgg_probe", "--set", f"filters={list(NARROW)}", "--device", "cpu")


def test_a_probe_is_the_logistic_regression_of_scikit_learn_and_keeps_the_weights_of_its_trunk(tmp_path, monkeypatch):
    linear_model = pytest.importorskip("sklearn.linear_model")
    data = folder_of(tmp_path / "shapes", count=24)
    flags = ("train", "classify", "--data", data, *narrow_probe(monkeypatch), "--C", 0.3, "--out", tmp_path / "run")
    run(*flags)
    task, splits = lingon.load(tmp_path / "run"), load_images(data)
    torch.testing.assert_close(task.model.trunk.conv3_2.weight, narrow_vgg().conv3_2.weight, rtol=0, atol=0)
    train, test = (vectors_of(task, part).double().numpy() for part in (splits.train, splits.test))
    scale = np.sqrt(np.square(train - train.mean(0)).mean())
    peer = linear_model.LogisticRegression(C=0.3, max_iter=10_000, tol=1e-10).fit(train / scale, splits.train.labels)
    found = task.logits(splits.test.pixels).softmax(-1).numpy()
    np.testing.assert_allclose(found, peer.predict_proba(test / scale), atol=2e-3)
    assert "where the model looked" in (tmp_path / "run" / "report.html").read_text()


def test_a_probe_reads_images_once_and_checkpoints_its_linear_layer_alone(tmp_path, monkeypatch):
    data, kept, read = folder_of(tmp_path / "shapes", count=9), [], []
    flags = ("train", "classify", "--data", data, *narrow_probe(monkeypatch), "--out", tmp_path / "run")
    monkeypatch.setattr(probe, "vectors_of", lambda *given: read.append(len(given[1])) or vectors_of(*given))
    monkeypatch.setattr(summary, "prune", lambda run: kept.extend(run.checkpoints.rglob("*.safetensors")))
    run(*flags)
    assert read == [len(load_images(data).train), len(load_images(data).valid)]
    assert kept
    assert not any("trunk" in name for path in kept for name in shapes_in(path))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--lr", 0.1), "--lr is 0.1, which --model vgg_probe does not have"),
        (("--augment", "flip"), "--augment is flip"),
        (("--C", -1), "--C is -1"),
        (("--width", 9), "--width is 9"),
    ],
)
def test_what_a_probe_has_not_is_refused(tmp_path, flags, said):
    data = folder_of(tmp_path / "shapes", count=3)
    with pytest.raises(UserError, match=said):
        run("train", "classify", "--data", data, "--model", "vgg_probe", *flags, "--out", tmp_path / "run")


@pytest.mark.parametrize(("name", "said"), [("stamps", "captioned images"), ("easy-vqa", "questions on images")])
def test_a_set_of_images_without_labels_is_refused(name, said):
    with pytest.raises(UserError, match=f"{name!r} are {said}; expected images with a label each: .*fashion-mnist"):
        load_images(name)
