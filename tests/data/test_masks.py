"""Masks of the user: what each kind of file becomes, how a folder is read, and what is refused by file and place."""

import numpy as np
import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.batches import Augments, ImagesWithMasks, RandomFlip, RandomShift
from lingon.data.files.mask_classes import read_classes
from lingon.data.files.mask_folder import read_mask_folder
from lingon.data.files.masks import colours_of, mask_colours, read_mask, save_mask
from lingon.data.load_masks import load_masked_images, load_masked_splits
from lingon.data.masked_images import MaskedImages

Image = pytest.importorskip("PIL.Image")
MASK = np.array([[0, 1, 2], [2, 0, 255]], np.uint8)


def folder_of(place, masks, names=None, size=None):
    """Write images/ and masks/; masks: arrays, or images of Pillow."""
    for kind in ("images", "masks"):
        (place / kind).mkdir(parents=True)
    random = np.random.default_rng(0)
    for i, mask in enumerate(masks):
        mask = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
        mask.save(place / "masks" / f"{i}.png")
        width, height = size or mask.size
        Image.fromarray(random.integers(0, 256, (height, width, 3), np.uint8)).save(place / "images" / f"{i}.png")
    if names:
        (place / "classes.txt").write_text(names)
    return place


def test_a_mask_is_read_as_it_is_written(tmp_path):
    path = save_mask(tmp_path / "m.png", MASK, 3)
    np.testing.assert_array_equal(read_mask(path), MASK)
    with Image.open(path) as image:
        assert image.mode == "P"
        np.testing.assert_array_equal(np.array(image.convert("RGB")), colours_of(MASK, 3))


def test_colours_are_those_of_pascal_voc_and_all_differ():
    assert mask_colours(4).tolist() == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    assert len({tuple(colour) for colour in mask_colours(255).tolist()}) == 255


def test_sixteen_bits_hold_class_numbers_or_are_refused(tmp_path):
    Image.fromarray(MASK.astype(np.uint16)).save(tmp_path / "m.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png"), MASK)
    Image.fromarray(np.array([[0, 7], [40_000, 1]], np.uint16)).save(tmp_path / "wide.png")
    with pytest.raises(DataError, match=r"wide\.png: sixteen bits, with 40000 at row 1, column 0"):
        read_mask(tmp_path / "wide.png")


def test_one_bit_and_black_and_white_are_two_classes(tmp_path):
    two = np.array([[0, 255], [255, 0]], np.uint8)
    found, _ = read_mask_folder(folder_of(tmp_path / "a", [two, two]), 2)
    assert (found.masks[0].tolist(), found.classes) == ([[0, 1], [1, 0]], ["0", "1"])
    found, _ = read_mask_folder(folder_of(tmp_path / "b", [Image.fromarray(two > 0)]), 2)
    assert (found.masks[0].tolist(), found.classes) == ([[0, 1], [1, 0]], ["0", "1"])
    found, _ = read_mask_folder(folder_of(tmp_path / "c", [two, MASK[:, :2] % 3]), 2)
    assert found.masks[0].tolist() == [[0, 255], [255, 0]]  # with other numbers, 255 counts for nothing


def test_colours_are_classes_by_file_or_as_they_come(tmp_path):
    coloured = np.zeros((2, 2, 3), np.uint8)
    coloured[0, 1], coloured[1, 0] = (255, 0, 0), (0, 0, 255)
    found, _ = read_mask_folder(folder_of(tmp_path / "a", [coloured]), 2)
    assert (found.masks[0].tolist(), found.classes) == ([[0, 2], [1, 0]], ["#000000", "#0000ff", "#ff0000"])
    names = "ground #000000\na red car #ff0000\nblue #0000ff\n"
    found, _ = read_mask_folder(folder_of(tmp_path / "b", [coloured], names), 2)
    assert (found.masks[0].tolist(), found.classes) == ([[0, 1], [2, 0]], ["ground", "a red car", "blue"])


def test_images_are_stretched_and_classes_never_mixed(tmp_path):
    mask = np.zeros((6, 9), np.uint8)
    mask[:, 5:] = 2
    found, _ = read_mask_folder(folder_of(tmp_path / "a", [mask]), 3)
    assert found.pixels.shape == (1, 3, 3, 3)
    assert found.masks[0].tolist() == [[0, 0, 2]] * 3
    assert found.classes == ["0", "1", "2"]


REFUSED = {
    "another size": ({"masks": [MASK], "size": (4, 2)}, r"masks.0\.png: 3 x 2 pixels, but its image 0\.png has 4 x 2"),
    "an unknown class": (
        {"masks": [MASK], "names": "a\nb\n"},
        r"masks.0\.png: class number 2 at row 0, column 2, which is no class; the classes are 0 to 1: a, b",
    ),
    "an unknown colour": (
        {"masks": [np.full((1, 2, 3), 9, np.uint8)], "names": "a #000000\nb #ffffff\n"},
        r"masks.0\.png: the colour #090909 at row 0, column 0, which is no class; the colours are #000000, #ffffff",
    ),
    "colours without names": ({"masks": [np.zeros((1, 2, 3), np.uint8)], "names": "a\nb\n"}, "classes.txt names none"),
    "a photograph": (
        {"masks": [np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8)]},
        "more than 64 colours; is it a photograph",
    ),
    "both ways": ({"masks": [MASK, np.zeros((2, 3, 3), np.uint8)]}, r"1\.png has colours and .*0\.png class numbers"),
    "a name twice": ({"masks": [MASK], "names": "a\nb\na\n"}, r"classes\.txt:3: 'a' is no name of its own"),
    "a colour for some": ({"masks": [MASK], "names": "a #000000\nb\n"}, "1 colours for 2 classes"),
    "one name": ({"masks": [MASK], "names": "a\n"}, "1 class; expected 2 to 255"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_folder_is_refused_by_file_and_place(name, tmp_path):
    given, message = REFUSED[name]
    with pytest.raises(DataError, match=message):
        read_mask_folder(folder_of(tmp_path / "f", **given), 4)


def test_a_missing_mask_and_one_too_many_are_named(tmp_path):
    place = folder_of(tmp_path / "f", [MASK, MASK])
    (place / "masks" / "1.png").rename(place / "masks" / "2.png")
    with pytest.raises(DataError, match=r"images.1\.png has no mask; expected .*masks.1\.png"):
        read_mask_folder(place, 4)
    (place / "images" / "1.png").unlink()
    with pytest.raises(DataError, match=r"masks.2\.png: a mask without an image"):
        read_mask_folder(place, 4)
    with pytest.raises(UserError, match="has no folders images and masks in it"):
        read_mask_folder(place / "images", 4)


def test_a_jpeg_is_no_mask_and_two_images_of_a_name_are_refused(tmp_path):
    place = folder_of(tmp_path / "f", [MASK])
    with pytest.raises(DataError, match=r"a mask must be a png"):
        read_mask(place / "masks" / "0.jpg")
    Image.fromarray(np.zeros((2, 3, 3), np.uint8)).save(place / "images" / "0.jpg")
    with pytest.raises(DataError, match="another image has the same name without its ending"):
        read_mask_folder(place, 4)


def test_masks_of_one_class_are_refused(tmp_path):
    place = folder_of(tmp_path / "f", [np.zeros((3, 3), np.uint8)] * 7)
    with pytest.raises(DataError, match="all pixels to train on are of one class, '0'; two or more are needed"):
        load_masked_splits(place, size=3)


def test_a_folder_is_divided_the_same_way_and_equal_images_stay_together(tmp_path):
    place = folder_of(tmp_path / "f", [np.roll(MASK, i) for i in range(20)])
    for copy in range(3):
        image = (place / "images" / "0.png").read_bytes()
        (place / "images" / f"again{copy}.png").write_bytes(image)
        (place / "masks" / f"again{copy}.png").write_bytes((place / "masks" / "0.png").read_bytes())
    splits, again = load_masked_splits(place, size=4), load_masked_splits(place, size=4)
    sides = [set(part.paths) for part in (splits.train, splits.valid, splits.test)]
    assert sides == [{*part.paths} for part in (again.train, again.valid, again.test)]
    assert sum(map(len, sides)) == 23
    assert all(sides)
    assert sum(any("again" in path for path in side) for side in sides) == 1
    test = load_masked_images(place, "test", 4, splits.train.classes)
    np.testing.assert_array_equal(test.masks, splits.test.masks)
    assert len(load_masked_images(place, None, 4, splits.train.classes)) == 23
    with pytest.raises(DataError, match="class number 2 at row"):
        load_masked_images(place, None, 4, ["a", "b"])


def test_parts_of_a_folder_are_kept_and_share_their_classes(tmp_path):
    place = tmp_path / "f"
    for part, masks in {"train": [MASK, MASK], "valid": [MASK], "test": [MASK % 2]}.items():
        folder_of(place / part, masks)
    (place / "classes.txt").write_text("ground\ncat\ndog\n")
    splits = load_masked_splits(place, size=4)
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [2, 1, 1]
    assert splits.test.classes == ["ground", "cat", "dog"]


def test_masks_move_with_their_images():
    random = np.random.default_rng(0)
    masks = random.integers(0, 4, (13, 5, 7), np.uint8)
    pixels = np.repeat(masks[..., None] * 40 + 17, 3, -1)  # so that each pixel says its class
    column = ImagesWithMasks(pixels, masks, Augments([RandomFlip(), RandomShift(2)]), seed=3)
    column.set_epoch(2)
    batch = column.collate(np.arange(13))
    said = (batch["images"][:, 0] * 255).round().long()
    inside = batch["masks"] != 255
    assert torch_equal(said[inside], batch["masks"][inside] * 40 + 17)
    assert (said[~inside] == 0).all()
    assert (~inside).any()
    assert not torch_equal(batch["masks"], ImagesWithMasks(pixels, masks).collate(np.arange(13))["masks"])


def torch_equal(a, b):
    return a.shape == b.shape and bool((a == b).all())


def test_masks_of_another_shape_are_refused():
    with pytest.raises(UserError, match="expected uint8"):
        MaskedImages(np.zeros((2, 3, 5, 3), np.uint8), np.zeros((2, 3, 4), np.uint8), ["a", "b"])
    with pytest.raises(UserError, match="masks are uint8 of shape"):
        ImagesWithMasks(np.zeros((2, 3, 5, 3), np.uint8), np.zeros((2, 3, 4), np.uint8))


def test_classes_are_read_with_their_colours(tmp_path):
    (tmp_path / "classes.txt").write_text("\ufeffa b\nc #0\n\n", encoding="utf-8")
    assert read_classes(tmp_path / "classes.txt") == (["a b", "c #0"], None)


@pytest.mark.data
def test_scenes_have_their_parts():
    splits = load_masked_splits("scenes", size=16)
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [3_000, 200, 500]
    assert len(splits.train.classes) == 21
    assert (splits.train.counts() > 0).all()
    assert splits.source["constructed"] == "of stamps"


@pytest.mark.parametrize("size", [-3, 0, 2_049])
def test_a_size_that_no_image_has_is_refused(tmp_path, size):
    with pytest.raises(UserError, match=rf"--image-size is {size}; expected 1 to 2,048 pixels"):
        load_masked_splits(folder_of(tmp_path / "f", [MASK]), size=size)
