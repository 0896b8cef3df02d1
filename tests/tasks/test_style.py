"""Style transfer: losses by hand, pixels that move towards a style, networks that are trained, saved and asked."""

import json
import re

import numpy as np
import pytest
import torch

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.checkpoints.style_networks import is_style_network
from lingon.cli.app import main
from lingon.core.errors import DataError, UserError
from lingon.data.files.images import read_image, save_image
from lingon.data.image_collection import load_image_collection
from lingon.data.open_image import open_image
from lingon.models import vgg as vgg_file
from lingon.tasks.style import TransferWeights, transfer
from lingon.tasks.style import objective as objective_file
from lingon.tasks.style import optimize as optimize_file
from lingon.tasks.style.losses import PerceptualLoss, gram, relative, total_variation
from lingon.tasks.style.pixels import as_image, as_pixels, within
from lingon.tasks.style.prepare import crops_of
from lingon.tasks.style.stylizer import Stylizer
from tests.tasks.made_stylizer import made_stylizer, narrow_vgg, photo

RUN = {"arguments": {"seed": 3}, "data": {"name": "made up"}}


@pytest.fixture
def narrow(monkeypatch):
    """A narrow VGG-16 with fresh weights in place of the published one."""
    for module in (optimize_file, objective_file):
        monkeypatch.setattr(module, "load_vgg", narrow_vgg)
    return narrow_vgg


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(5):
        save_image(folder / f"{i}.png", photo(seed=i))
    save_image(tmp_path / "style.png", photo(41, 43, seed=9))
    return tmp_path


def test_a_gram_matrix_is_the_mean_of_products_over_places():
    maps = torch.arange(12.0).reshape(1, 2, 2, 3)
    first, second = range(6), range(6, 12)
    wanted = [[sum(a * b for a, b in zip(x, y, strict=True)) / 6 for y in (first, second)] for x in (first, second)]
    torch.testing.assert_close(gram(maps)[0], torch.tensor(wanted))
    torch.testing.assert_close(gram(torch.cat([maps, 2 * maps]))[1], 4 * torch.tensor(wanted))


def test_distances_are_shares_and_total_variation_is_of_neighbours():
    torch.testing.assert_close(
        relative(torch.tensor([[3.0, 0.0]]), torch.tensor([[3.0, 4.0]])), torch.tensor([16 / 25])
    )
    image = torch.tensor([[0.0, 1.0, 3.0], [0.0, 1.0, 3.0]]).expand(1, 3, 2, 3)
    torch.testing.assert_close(total_variation(image), torch.tensor([0 + (1 + 4) / 2]))
    assert total_variation(image[:, :, :1, :1]).tolist() == [0]


def test_the_style_itself_has_no_distance_and_the_scale_of_activations_does_not_count(narrow):
    style, other = as_image(photo(41, 43, 9)), as_image(photo())
    loss = PerceptualLoss(narrow(), style)
    assert float(loss.style(loss.vgg(style))) < 1e-8
    assert float(loss.content(loss.vgg(other), loss.wanted(other))) == 0
    far = float(loss.style(loss.vgg(other)))
    for layer in loss.grams:
        loss.grams[layer] = loss.grams[layer] * 49
    maps = {name: 7 * values for name, values in loss.vgg(other).items()}
    assert float(loss.style(maps)) == pytest.approx(far, rel=1e-4)


def test_pixels_move_towards_a_style_and_the_last_loss_is_that_of_the_picture(narrow):
    wanted, start = photo(41, 43, 9), photo()
    found = transfer(start, wanted, 12, TransferWeights(style=5.0, total_variation=0.1))
    assert found.pixels.shape == start.shape
    assert found.losses[-1] < 0.5 * found.losses[0]
    loss = PerceptualLoss(narrow(last="relu5_1", pool=vgg_file.average_pool), as_image(wanted))
    image, before = (torch.nn.functional.pad(as_image(a), [8] * 4, mode="reflect") for a in (found.pixels, start))
    maps = loss.vgg(image)
    total = (
        5 * loss.style(maps) + loss.content(maps, loss.wanted(before)) + 0.1 * total_variation(as_image(found.pixels))
    )
    assert float(total) == pytest.approx(found.losses[-1], rel=1e-4)
    assert np.array_equal(transfer(start, wanted, 12, TransferWeights(5.0, 1.0, 0.1)).pixels, found.pixels)


def test_pixels_become_numbers_and_pixels_again():
    pixels = photo()
    assert np.array_equal(as_pixels(as_image(pixels)[0]), pixels)
    outside = torch.tensor([-0.3, 0.5, 1.7])[:, None, None]
    assert as_pixels(outside).tolist() == [[[0, 128, 255]]]
    assert within(photo(40, 80), 32, "a").shape == (16, 32, 3)
    assert within(photo(40, 80), 100, "a").shape == (40, 80, 3)


@pytest.mark.parametrize(
    ("pixels", "size", "said"),
    [
        (photo(5, 5), 256, "a.png: 5 x 5 pixels; expected 16 or more a side"),
        (photo(10, 20_000), 256, "a.png: 20,000 x 10 pixels, 256 x 0 at --size 256; expected 16 or more a side"),
        (photo(), 0, "--size is 0; expected 16 to 2,048 pixels"),
        (photo(), 4096, "--size is 4096; expected 16 to 2,048 pixels"),
    ],
)
def test_a_size_that_cannot_be_painted_is_refused(pixels, size, said):
    with pytest.raises(UserError, match=re.escape(said)):
        within(pixels, size, "a.png")


def test_grey_and_alpha_are_read_as_colours_on_white(tmp_path):
    grey = np.full((17, 19, 1), 77, np.uint8)
    save_image(tmp_path / "grey.png", grey)
    assert made_stylizer().predict(tmp_path / "grey.png").photo.tolist() == np.repeat(grey, 3, 2).tolist()
    assert np.array_equal(made_stylizer().predict(grey[..., 0]).photo, np.repeat(grey, 3, 2))
    clear = np.zeros((17, 19, 4), np.uint8)
    save_image(tmp_path / "clear.png", clear)
    assert (open_image(tmp_path / "clear.png") == 255).all()
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match=r"text\.png: not an image"):
        made_stylizer().predict(str(tmp_path / "text.png"))
    with pytest.raises(UserError, match="no file 'chelsae', and no picture of that name; did you mean 'chelsea'"):
        made_stylizer().predict("chelsae")
    with pytest.raises(UserError, match=r"float64 of shape \(17, 19\), expected pixels uint8"):
        made_stylizer().predict(np.zeros((17, 19)))


@pytest.mark.data
def test_of_the_named_photos_a_cat_is_held_out():
    found = load_image_collection("photos")
    assert (list(found.test), list(found.valid)) == (["chelsea"], ["astronaut"])
    assert len(found.train) == 6


def test_crops_are_squares_inside_of_photos():
    photos = {"a": np.full((31, 17, 3), 50, np.uint8), "b": np.full((13, 29, 3), 200, np.uint8)}
    found = crops_of(photos, 5, 11, seed=3)
    assert found.shape == (5, 11, 11, 3)
    assert found.mean((1, 2, 3)).tolist() == [50, 200, 50, 200, 50]
    assert np.array_equal(found, crops_of(photos, 5, 11, seed=3))


def test_a_folder_is_divided_the_same_way_and_needs_three_images(files, monkeypatch):
    found = load_image_collection(files / "photos")
    assert [len(part) for part in (found.train, found.valid, found.test)] == [3, 1, 1]
    assert len({*found.train, *found.valid, *found.test}) == 5
    with pytest.raises(DataError, match="1 image; three or more are needed"):
        load_image_collection(files / "style.png")
    monkeypatch.setattr("lingon.data.open_image.load_image_set", lambda name: None)
    with pytest.raises(UserError, match="are labelled images; expected plain images"):
        load_image_collection("fashion-mnist")


def test_a_bundle_paints_the_same_and_keeps_its_style(tmp_path, narrow):
    task, start = made_stylizer(), photo(30, 22)
    save_bundle(task, "style_network", tmp_path / "bundle", RUN)
    loaded = lingon.load(tmp_path / "bundle")
    assert np.array_equal(loaded.predict(start).pixels, task.predict(start).pixels)
    assert np.array_equal(loaded.style, task.style)
    assert loaded.evaluate({"a": start}) == task.evaluate({"a": start})
    config = json.loads((tmp_path / "bundle" / "config.json").read_text())
    for wrong in ("no base64!", "aGk=", 7):
        (tmp_path / "bundle" / "config.json").write_text(json.dumps(config | {"style": wrong}))
        with pytest.raises(DataError, match="key 'style'"):
            lingon.load(tmp_path / "bundle")


def test_a_published_network_has_no_picture_to_be_judged_by():
    with pytest.raises(UserError, match="published without its painting"):
        Stylizer(made_stylizer().model, "The Great Wave").evaluate({"a": photo()})
    names = ("wave", "style-la-muse", "la_muse", "starry")
    assert [is_style_network(name) for name in names] == [True, True, True, False]
    with pytest.raises(UserError, match="takes photos by name"):
        made_stylizer().evaluate([])


def run(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    said = capsys.readouterr()
    return ended.value.code or 0, said.out, said.err


def test_a_training_starts_from_a_network_and_keeps_its_sizes(files, narrow, capsys, monkeypatch):
    monkeypatch.chdir(files)
    save_bundle(made_stylizer(), "style_network", files / "first", RUN)
    few = ("--crop", 32, "--crops", 3, "--batch-size", 3, "--evals", 1, "--style-size", 32, "--device", "cpu")
    given = ("train", "style", "--data", "photos", "--style", "style.png", *few, "--from", "first")
    code, _, err = run(capsys, *given, "--epochs", 1, "--lr", 1e-9, "--out", "second")
    assert code == 0, err
    before, after = (lingon.load(files / name).model for name in ("first", "second"))
    assert after.config() == before.config()
    torch.testing.assert_close(after.state_dict(), before.state_dict(), atol=1e-6, rtol=0)
    run_of = json.loads((files / "second/run.json").read_text(encoding="utf-8"))
    assert run_of["arguments"]["width"] is None
    assert run_of["pretrained"]["name"] == "first"
    code, _, err = run(capsys, *given, "--width", 4, "--out", "third")
    assert (code, err.count("\n")) == (2, 1)
    assert "--width is 4, but --from first brings its model" in err


@pytest.mark.data
def test_a_published_network_is_loaded_by_its_name(capsys):
    painted = lingon.load("wave").predict(photo())
    assert painted.facts == ["Style: The Great Wave off Kanagawa (Hokusai 1831)"]
    code, _, err = run(capsys, "train", "segment", "--data", "scenes", "--from", "wave", "--out", "no")
    assert code == 2
    assert "--from wave is a style network; expected a segmenter" in err


def test_a_network_is_trained_saved_evaluated_and_asked_on_the_command_line(files, narrow, capsys, monkeypatch):
    monkeypatch.chdir(files)
    few = ("--crop", 32, "--crops", 12, "--batch-size", 3, "--epochs", 2, "--style-size", 32, "--width", 2)
    few = (*few, "--set", "depth=1", "--device", "cpu", "--out", "runs/style")
    code, said, err = run(capsys, "train", "style", "--data", "photos", "--style", "style.png", *few)
    assert code == 0, err
    report = (files / "runs/style/report.html").read_text(encoding="utf-8")
    assert report.count('type="range"') == 1
    assert report.count("data:image/png") == 3
    assert "http" not in report.replace("http-equiv", "").replace("http://www.w3.org", "")
    code, said, err = run(capsys, "predict", "runs/style", "photos/1.png", "--out", "out.png", "--page", "page.html")
    assert code == 0, err
    assert read_image(files / "out.png").shape == (37, 53, 3)
    assert "out.png: photos/1.png: 53 x 37" in said
    code, said, err = run(capsys, "stylize", "photos/1.png", "--net", "runs/style", "--out", "same.png")
    assert code == 0, err
    assert np.array_equal(read_image(files / "same.png"), read_image(files / "out.png"))
    code, said, err = run(capsys, "evaluate", "runs/style", "--data", "photos", "--split", "test")
    assert code == 0, err
    assert "style distance" in said
    (files / "same.png").write_bytes(b"older")
    code, said, err = run(capsys, "stylize", "photos/1.png", "--net", "runs/style", "--out", "same.png", "--overwrite")
    assert code == 0, err
    assert np.array_equal(read_image(files / "same.png"), read_image(files / "out.png"))
    wrong = {
        ("predict", "runs/style", "photos", "--out", "all.png"): "is one picture, and there are 5 photos",
        (
            "predict",
            "runs/style",
            "photos/1.png",
            "--out",
            "out.png",
        ): "already exists; write to another name, or replace it with --overwrite",
        (
            "stylize",
            "photos/1.png",
            "--net",
            "runs/style",
            "--out",
            "out.png",
        ): "out.png: already exists; write to another name, or replace it with --overwrite",
        (
            "stylize",
            "photos/1.png",
            "--net",
            "runs/style",
            "--out",
            "photos/1.png",
            "--overwrite",
        ): "photos/1.png: is the input file; write to another name",
        ("stylize", "photos/1.png", "--net", "wve"): "no style network of that name; did you mean 'wave'",
        ("train", "style", "--style", "none.png", "--data", "photos", "--out", "x"): "there is no file 'none.png'",
        ("train", "style", "--crop", 9, "--data", "photos", "--out", "x"): "--crop is 9; expected 32 to 512 pixels",
    }
    for words, expected in wrong.items():
        code, said, err = run(capsys, *words)
        assert (code, expected in err) == (2, True), err


def test_pixels_are_optimized_on_the_command_line_with_a_page_of_one_slider(files, narrow, capsys, monkeypatch):
    monkeypatch.chdir(files)
    words = ("stylize", "photos/1.png", "--style", "style.png", "--steps", 3, "--size", 32)
    code, said, err = run(capsys, *words, "--out", "out.png", "--page", "page.html")
    assert code == 0, err
    assert re.search(r"out.png: photos/1.png: 32 x 22, .* which is \d+\.\d% less; \d steps", said)
    page = (files / "page.html").read_text(encoding="utf-8")
    assert page.count('<input class="slider" type="range"') == 1
    assert page.count('src="data:image/png;base64,') == 2
    assert "img-src data:" in page
    wrong = {
        ("--size", 0): "--size is 0; expected 16 to 2,048 pixels",
        ("--steps", 0): "--steps is 0; expected 1 to 10,000",
        ("--style-weight", -1): "--style-weight is -1.0; expected 0 to 1e+09",
        ("--pooling", "min"): "unknown pooling 'min'",
        ("--net", "wave"): "--style and --net cannot be combined",
        ("--out", "out.txt"): "ends in '.txt', expected one of .png",
        ("--page", "out.png"): "expected .html",
    }
    for more, expected in wrong.items():
        code, said, err = run(capsys, *words[:4], *more)
        assert (code, expected in err) == (2, True), err
    code, said, err = run(capsys, "stylize", "photos/1.png", "--net", "wave", "--steps", 3)
    assert (code, "--steps has no effect without --style" in err) == (2, True), err


@pytest.mark.data
def test_named_pictures_are_there():
    assert open_image("chelsea").shape == (300, 451, 3)
    assert open_image("starry-night").shape == (600, 752, 3)
