"""Images with boxes of Pascal VOC, COCO and YOLO: all give the same, and what is invalid is named."""

import functools
import json
import operator
import shutil

import numpy as np
import pytest
from PIL import Image

from lingon.core.errors import DataError, UserError
from lingon.data.corpora.images import load_image_set
from lingon.data.load_boxes import load_box_splits, load_boxes
from tests.data.boxed_files import H, W, coco_of, drawings, voc_xml, write_coco, write_voc, write_yolo

MADE = drawings(9)


def check(found, made):
    assert len(found) == len(made)
    for image, (pixels, boxes, labels) in zip(found, made, strict=True):
        np.testing.assert_array_equal(image.pixels(), pixels)
        np.testing.assert_allclose(image.boxes, boxes, atol=1e-4)
        assert image.labels == tuple(labels)
        assert image.size == (H, W)


@pytest.mark.parametrize("write", [write_voc, write_yolo, write_coco])
def test_each_format_gives_the_same_images_and_boxes(write, tmp_path, capsys):
    check(load_boxes(write(tmp_path / "a", MADE)), MADE)
    assert capsys.readouterr().err == ""


def test_a_devkit_of_voc_has_its_parts_and_marks_of_difficulty(tmp_path):
    folder = write_voc(tmp_path / "flat", MADE)
    root = tmp_path / "kit" / "VOC"
    for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / name).mkdir(parents=True)
    for path in folder.iterdir():
        shutil.move(path, root / ("Annotations" if path.suffix == ".xml" else "JPEGImages") / path.name)
    _pixels, boxes, labels = MADE[0]
    (root / "Annotations/000.xml").write_text(voc_xml("x", boxes, labels, more="<difficult>1</difficult>"))
    for part, rows in {"train": range(4), "val": range(4, 6), "test": range(6, 9)}.items():
        (root / f"ImageSets/Main/{part}.txt").write_text("".join(f"{i:03}\n" for i in rows))
    splits = load_box_splits(tmp_path / "kit")
    check(splits.train, MADE[:4]), check(splits.valid, MADE[4:6]), check(splits.test, MADE[6:])
    assert splits.train[0].ignored.all()
    assert not splits.train[1].ignored.any()
    check(load_boxes(root), MADE[6:])
    check(load_boxes(root, "valid"), MADE[4:6])


def test_yolo_as_darknet_and_roboflow_lay_it_out(tmp_path):
    a = write_yolo(tmp_path / "a", MADE)
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in [*(a / "images").iterdir(), *(a / "labels").iterdir()]:
        shutil.copy(path, flat)
    (flat / "classes.txt").write_text("cell\nspeck\n")
    check(load_boxes(flat), MADE)
    for part, kept in (("train", slice(0, 6)), ("valid", slice(6, 7)), ("test", slice(7, 9))):
        write_yolo(tmp_path / "b" / part, MADE[kept])
        (tmp_path / "b" / part / "data.yaml").unlink()
    yaml = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnames:\n  0: cell\n  1: speck\n"
    (tmp_path / "b" / "data.yaml").write_text(yaml)
    splits = load_box_splits(tmp_path / "b")
    check(splits.train, MADE[:6]), check(splits.valid, MADE[6:7]), check(splits.test, MADE[7:])
    check(load_boxes(tmp_path / "b" / "data.yaml"), MADE[7:])
    (flat / "000.txt").write_text("1 0.1 0.1 0.5 0.1 0.5 0.75\n")  # an outline
    np.testing.assert_allclose(load_boxes(flat)[0].boxes, [[0.1 * W, 0.1 * H, 0.5 * W, 0.75 * H]], rtol=1e-5)
    (flat / "000.txt").unlink()  # nothing in it
    assert len(load_boxes(flat)[0]) == 0


def test_coco_with_parts_crowds_and_images_elsewhere(tmp_path):
    for part, kept in (("train", slice(0, 6)), ("valid", slice(6, 7)), ("test", slice(7, 9))):
        file = write_coco(tmp_path / part, MADE[kept])
        held = json.loads(file.read_text())
        held["annotations"][0]["iscrowd"] = 1
        file.write_text(json.dumps(held))
    splits = load_box_splits(tmp_path)
    check(splits.train, MADE[:6]), check(splits.test, MADE[7:])
    assert [image.crowd.tolist()[0] for image in splits.test] == [True, False]
    shutil.move(tmp_path / "train" / "coco.json", tmp_path / "mine.json")
    check(load_boxes(tmp_path / "mine.json", images=tmp_path / "train" / "images"), MADE[:6])
    with pytest.raises(DataError, match=r"there is no image .*000\.png"):
        load_boxes(tmp_path / "mine.json")


def test_parts_are_cut_off_by_name_and_none_is_lost(tmp_path):
    folder = write_voc(tmp_path, MADE)
    splits, again = load_box_splits(folder), load_box_splits(folder)
    names = [[image.name for image in part] for part in (splits.train, splits.valid, splits.test)]
    assert sorted(functools.reduce(operator.iadd, names, [])) == [f"{i:03}.png" for i in range(9)]
    assert all(names)
    assert names == [[image.name for image in part] for part in (again.train, again.valid, again.test)]
    assert splits.source["sha256"] == again.source["sha256"]
    with pytest.raises(DataError, match="no images for valid; at least three are needed"):
        load_box_splits(write_voc(tmp_path / "two", MADE[:2]))


@pytest.mark.parametrize("twin", range(9))
def test_equal_files_are_on_one_side(twin, tmp_path):
    folder = write_voc(tmp_path, MADE)
    Image.open(folder / f"{twin:03}.png").save(folder / "twin.png")
    (folder / f"{twin:03}.png").write_bytes((folder / "twin.png").read_bytes())
    (folder / "twin.xml").write_text(voc_xml("twin.png", [(1, 2, 30, 40)], ["cell"]))
    splits = load_box_splits(folder)
    sides = [{image.name for image in part} & {"twin.png", f"{twin:03}.png"} for part in
             (splits.train, splits.valid, splits.test)]  # fmt: skip
    assert sorted(map(len, sides)) == [0, 0, 2]


def one(folder, boxes=((1, 2, 30, 40),), labels=("cell",), **how):
    folder.mkdir(exist_ok=True)
    pixels = MADE[0][0]
    Image.fromarray(pixels).save(folder / "a.png")
    (folder / "a.xml").write_text(voc_xml("a.png", boxes, labels, **how))
    return folder


def test_a_box_that_reaches_out_is_cut_and_counted(tmp_path, capsys):
    found = load_boxes(one(tmp_path, [(-5, 2, W + 9, 40), (1, 1, W, H)], ["cell", "cell"]))
    assert found[0].boxes.tolist() == [[0, 2, W, 40], [1, 1, W, H]]
    assert "boxes cut at the edge of their image: 1, the first: " in capsys.readouterr().err


WRONG = {
    "no size": ({"boxes": [(5, 5, 5, 9)]}, r"a\.xml:2: a box of 'cell' from \(5, 5\) to \(5, 9\) has no size"),
    "inside out": ({"boxes": [(9, 5, 5, 9)]}, "has no size"),
    "outside": ({"boxes": [(W, 5, W + 9, 9)]}, r"is outside of its image, 64 x 48"),
    "no number": ({"boxes": [("x", 5, 8, 9)]}, "xmin is 'x', expected a number"),
    "not finite": ({"boxes": [("nan", 5, 8, 9)]}, "has a side that is not a number"),
    "no name": ({"labels": [" "]}, "an object without a name"),
    "another size": ({"size": (640, 480)}, r"about an image of 640 x 480 pixels, but a\.png has 64 x 48"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_named_or_left_out(name, tmp_path, capsys):
    how, message = WRONG[name]
    folder = one(tmp_path, **how)
    with pytest.raises(DataError, match=message + ".*--on-bad-row skip leaves it out$"):
        load_boxes(folder)
    write_voc(tmp_path, MADE[:2])
    found = load_boxes(folder, on_bad_row="skip")
    assert len(found) == (2 if name == "another size" else 3)
    assert sum(len(image) for image in found) == sum(len(boxes) for _, boxes, _ in MADE[:2])
    assert "left out: 1, the first: " in capsys.readouterr().err


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><annotation><filename>&b;</filename></annotation>'
BROKEN = {
    "entities": (BOMB, r"a\.xml:1: declares the entity 'a'"),
    "cut short": ("<annotation><object>", r"a\.xml:1: not XML \(no element found\)"),
    "another XML": ("<html></html>", "its element is 'html', expected 'annotation' of Pascal VOC"),
    "binary": (b"\xff\xfe\x00\x01" * 5, r"a\.xml.*: not XML"),
    "large": ("<annotation>" + " " * (1 << 24), r"a\.xml: 16,777,228 bytes; an annotation has 16,777,216 at most"),
    "deep": ("<annotation>" + "<a>" * 70, "elements more than 64 deep"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_of_voc_is_named(name, tmp_path, capsys):
    text, message = BROKEN[name]
    folder = write_voc(tmp_path, MADE[:2])
    Image.fromarray(MADE[0][0]).save(folder / "a.png")
    (folder / "a.xml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=message):
        load_boxes(folder)
    assert len(load_boxes(folder, on_bad_row="skip")) == 2
    assert "images left out: 1, the first: " in capsys.readouterr().err


def test_images_that_are_missing_or_broken_are_named(tmp_path):
    folder = write_voc(tmp_path, MADE[:3])
    data = (folder / "000.png").read_bytes()
    (folder / "000.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"000\.png: a damaged image"):
        load_boxes(folder)
    (folder / "001.png").unlink()
    with pytest.raises(DataError, match=r"000\.png"):
        load_boxes(folder)
    assert [image.name for image in load_boxes(folder, on_bad_row="skip")] == ["002.png"]
    (folder / "000.png").write_bytes(data)
    with pytest.raises(DataError, match=r"001\.xml: there is no image .*001\.png"):
        load_boxes(folder)


WRONG_COCO = {
    "no JSON": (lambda h: "{", "not JSON"),
    "another JSON": (lambda h: [1], "not the JSON of COCO"),
    "no images": (lambda h: h | {"images": 3}, "key 'images' must hold a list"),
    "an unknown class": (lambda h: h["annotations"][0].update(category_id=77), "category_id 77 is no category"),
    "an unknown image": (lambda h: h["annotations"][0].update(image_id=77), "image_id 77 is no image of the file"),
    "three numbers": (lambda h: h["annotations"][0].update(bbox=[1, 2, 3]), r"bbox is \[1, 2, 3\], expected four"),
    "a huge number": (lambda h: h["annotations"][0].update(bbox=[1, 2, 10**400, 3]), "expected four numbers"),
    "not finite": (lambda h: h["annotations"][0].update(bbox=[1, 2, float("nan"), 3]), "expected four numbers"),
    "no size": (lambda h: h["annotations"][0].update(bbox=[1, 2, 0, 3]), "has no size"),
    "an id twice": (lambda h: h["images"][1].update(id=0), "the id 0 occurs twice"),
    "leads out": (lambda h: h["images"][0].update(file_name="../x.png"), "leads out of the folder"),
    "no name": (lambda h: h["categories"][0].update(name=None), "needs an id and a name"),
}


@pytest.mark.parametrize("name", WRONG_COCO)
def test_a_wrong_file_of_coco_is_named(name, tmp_path):
    file, (change, message) = write_coco(tmp_path, MADE[:3]), WRONG_COCO[name]
    held = coco_of(MADE[:3])
    other = change(held)
    file.write_text(other if isinstance(other, str) else json.dumps(other or held))
    with pytest.raises(DataError, match=message):
        load_boxes(file)


WRONG_YOLO = {
    "an unknown class": ("7 0.5 0.5 0.1 0.1", r"000\.txt:1: class 7, but there are names for 2, from 0 on"),
    "words": ("cell 0.5 0.5 0.1 0.1", "expected a class, and centre x"),
    "too few": ("1 0.5 0.5", "expected a class, and centre x"),
    "outside": ("1 1.5 0.5 0.1 0.1", "is outside of its image"),
    "no size": ("1 0.5 0.5 0 0.1", "has no size"),
}


@pytest.mark.parametrize("name", WRONG_YOLO)
def test_a_wrong_line_of_yolo_is_named_or_left_out(name, tmp_path):
    folder, (line, message) = write_yolo(tmp_path, MADE[:3]), WRONG_YOLO[name]
    (folder / "labels/000.txt").write_text(line + "\n")
    with pytest.raises(DataError, match=message):
        load_boxes(folder)
    assert next(len(image) for image in load_boxes(folder, on_bad_row="skip")) == 0


def test_folders_that_do_not_fit_are_named(tmp_path):
    folder = write_yolo(tmp_path / "a", MADE[:3])
    (folder / "labels/zzz.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    with pytest.raises(DataError, match=r"zzz\.txt: boxes of an image that is not there"):
        load_boxes(folder)
    (folder / "data.yaml").write_text("train: images\nnames:\n  0: cell\n  2: speck\n")
    with pytest.raises(DataError, match="names: expected a list, or numbers from 0 on"):
        load_boxes(folder)
    shutil.rmtree(folder / "labels")
    (folder / "data.yaml").write_text("train: images\nnames: [cell, speck]\n")
    with pytest.raises(DataError, match="no other image has a text file of boxes either"):
        load_boxes(folder)
    (tmp_path / "b").mkdir()
    for path, message in (("b", "no annotations of boxes in it"), ("c", "neither a set of images with boxes nor")):
        with pytest.raises(UserError, match=message):
            load_boxes(tmp_path / path)
    (tmp_path / "d.csv").write_text("x")
    with pytest.raises(UserError, match="has no boxes; expected a folder of Pascal VOC"):
        load_boxes(tmp_path / "d.csv")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("frame", ["stored", "shown"])
def test_the_size_that_is_noted_says_in_which_frame_boxes_of_a_turned_image_are(orientation, frame, tmp_path, capsys):
    """A white rectangle on black: its box is around it in the image as shown, whichever frame the file is about."""
    pixels = np.zeros((H, W, 3), np.uint8)
    pixels[5:20, 7:30] = 255
    image, exif = Image.fromarray(pixels), Image.Exif()
    exif[274] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    swapped = orientation >= 5
    if frame == "stored" and not swapped:
        return  # the sizes are equal, and the boxes are of the image as shown
    shown = np.array(load_pixels(tmp_path / "a.png"))
    rows, columns = np.nonzero(shown.mean(2) > 200)
    around = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    box, size = ((7, 5, 30, 20), (W, H)) if frame == "stored" else (around, shown.shape[1::-1])
    (tmp_path / "a.xml").write_text(voc_xml("a.png", [box], ["cell"], size=size))
    (found,) = load_boxes(tmp_path)
    assert found.boxes.tolist() == [[float(side) for side in around]]
    assert found.size == shown.shape[:2]
    assert ("turned as the camera notes (EXIF)" in capsys.readouterr().err) == (orientation != 1)


def load_pixels(path):
    from lingon.data.files.images import read_image

    return read_image(path)


@pytest.mark.data
def test_bccd_is_read_as_it_is_described():
    splits = load_image_set("bccd")
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [205, 87, 72]
    assert sum(len(image) for part in (splits.train, splits.valid, splits.test) for image in part) == 4888 - 2
    assert {label for image in splits.train for label in image.labels} == {"Platelets", "RBC", "WBC"}


@pytest.mark.parametrize("name", ["../../secret", "/etc/secret", "a/../../b"])
def test_a_list_of_a_devkit_that_leads_out_of_its_folder_is_refused(tmp_path, name):
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "ImageSets/Main/train.txt").write_text(f"000\n{name} 1\n")
    with pytest.raises(DataError, match=r"train\.txt: the name .* leads out of the folder of the annotations"):
        load_boxes(tmp_path)
