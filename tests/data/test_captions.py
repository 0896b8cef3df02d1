"""Captioned images of the user: tables, jsonl and the json of MS COCO, divided, and what cannot be read."""

import json

import numpy as np
import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.captioned_images import CaptionedImages
from lingon.data.corpora.scene_captions import made_scenes
from lingon.data.files.captions import read_captions
from lingon.data.files.images import save_image
from lingon.data.load_captions import load_caption_splits, load_captions
from lingon.data.scene_relations import divide_triples, triple_of
from tests.data.made_stamps import made_stamps


@pytest.fixture
def folder(tmp_path):
    """Seven images of three by five pixels, each of its own grey."""
    (tmp_path / "sub").mkdir()
    for i in range(7):
        save_image(tmp_path / ("sub" if i == 6 else "") / f"{i}.png", np.full((3, 5, 3), 30 * i, np.uint8))
    return tmp_path


def table(folder, *rows, name="captions.csv", head="image,caption"):
    (folder / name).write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return folder / name


def test_a_folder_with_a_table_of_several_captions_an_image(folder, capsys):
    table(folder, "0.png,a dark bar", "sub/6.png,a bright bar", '0.png,"black,  almost"')
    found = load_captions(folder, size=16)
    assert found.captions == [("a dark bar", "black, almost"), ("a bright bar",)]
    assert found.pixels.shape == (2, 16, 16, 3)
    assert found.pixels[0, 8, 8].tolist() == [0, 0, 0]
    assert found.pixels[0, 0, 0].tolist() == [255, 255, 255]  # all of the image is there, on white
    assert "captions.csv: 5 images beside it have no caption and are left out" in capsys.readouterr().err


def test_jsonl_with_lists_and_other_names_of_columns(folder):
    rows = [{"file_name": "1.png", "text": ["one", "uno"]}, {"file_name": "2.png", "text": "two"}]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert load_captions(folder, size=16).captions == [("one", "uno"), ("two",)]


def test_a_name_that_is_not_there_suggests_folders_and_tables_alone(folder):
    (folder / "notes.log").write_text("")
    (folder / "rows.csv").write_text("")
    with pytest.raises(UserError, match="known: ") as told:
        load_captions(folder / "qqqqqqqqqqqq", size=16)
    assert "rows.csv" in str(told.value)
    assert "notes.log" not in str(told.value)
    assert "0.png" not in str(told.value)


def coco(folder, **changes):
    images = [{"id": i, "file_name": f"{i}.png", "width": 5} for i in range(3)]
    said = [{"id": 9, "image_id": 2, "caption": "two"}, {"id": 8, "image_id": 0, "caption": "none"}]
    (folder / "coco.json").write_text(json.dumps({"images": images, "annotations": said, "info": {}} | changes))
    return folder / "coco.json"


def test_the_json_of_coco(folder):
    assert load_captions(coco(folder), size=16).captions == [("two",), ("none",)]


def test_parts_are_the_same_again_and_equal_captions_stay_together(folder):
    table(folder, *(f"{i}.png,caption {min(i, 4)}" for i in range(6)), "sub/6.png,another")
    found, again = load_caption_splits(folder, 16), load_caption_splits(folder, 16)
    texts = [{*part.texts} for part in (found.train, found.valid, found.test)]
    assert texts == [{*part.texts} for part in (again.train, again.valid, again.test)]
    assert not texts[0] & texts[1]
    assert not texts[0] & texts[2]
    assert len(found.train) + len(found.valid) + len(found.test) == 7
    assert len(found.all()) == 7
    np.testing.assert_array_equal(load_captions(folder, "test", 16).pixels, found.test.pixels)


BROKEN = {
    "an empty caption": (["0.png,"], r"captions.csv:2: the caption of '0.png' is empty; .* --on-bad-row skip"),
    "a blank caption": (["0.png,one", '1.png,"  "'], r"captions.csv:3: the caption of '1.png' is empty"),
    "a caption without an image": ([",a bar"], r"captions.csv:2: a caption without an image"),
    "an image that is not there": (["8.png,a bar"], r"captions.csv:2: there is no image '8.png' beside the table"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_row_is_named_or_counted(folder, name):
    rows, message = BROKEN[name]
    path = table(folder, *rows, "3.png,a bar")
    with pytest.raises(DataError, match=message):
        load_captions(folder, size=16)
    found = read_captions(path, "skip")
    assert found.skipped == 1
    assert [*found.captions.values()][-1] == ["a bar"]
    assert "bad rows skipped: 1, the first:" in found.messages()[0]


def test_an_image_that_cannot_be_read_is_a_bad_row(folder, capsys):
    (folder / "4.png").write_bytes(b"no image")
    path = table(folder, "4.png,a", "4.png,b", "0.png,c", "1.png,d", "2.png,e", "3.png,f")
    with pytest.raises(DataError, match=r"4.png: not an image .*; --on-bad-row skip leaves such rows out"):
        load_captions(path, size=16)
    assert load_captions(path, size=16, on_bad_row="skip").texts == ["c", "d", "e", "f"]
    assert "bad rows skipped: 2, the first: " in capsys.readouterr().err
    assert load_caption_splits(path, 16, on_bad_row="skip").source["skipped"] == 2
    with pytest.raises(DataError, match=r"none of its images can be read; the first: .*4\.png"):
        load_captions(table(folder, "4.png,x"), size=16, on_bad_row="skip")


def test_more_images_than_fit_into_memory_are_refused(folder):
    with pytest.raises(DataError, match="2 images of 30000 x 30000 pixels are more than 4 GB"):
        load_captions(table(folder, "0.png,a", "1.png,b"), size=30_000)


def test_what_cannot_be_meant(folder, tmp_path):
    with pytest.raises(UserError, match=r"has no table with captions; expected captions.csv"):
        load_captions(folder, size=16)
    with pytest.raises(UserError, match=r"neither a set of captioned images nor a folder or table of yours; .*stamps"):
        load_captions("stamp")
    with pytest.raises(DataError, match=r"coco.json: annotation 1: image_id 7 is none of the images|image_id '7'"):
        load_captions(coco(folder, annotations=[{"image_id": 7, "caption": "x"}]))
    with pytest.raises(DataError, match="image 1 has no id, or no file_name"):
        load_captions(coco(folder, images=[{"id": 1}]))
    with pytest.raises(UserError, match="no column 'caption'; it has image, words"):
        load_captions(table(folder, "0.png,x", head="image,words"))
    with pytest.raises(UserError, match="--language de is for stamps"):
        load_captions(table(folder, "0.png,x"), language="de")
    (folder / "4.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"4.png: not an image"):
        load_captions(table(folder, "4.png,x"))
    with pytest.raises(DataError, match="1 image is too few"):
        load_caption_splits(table(folder, "0.png,x"))
    with pytest.raises(UserError, match="image 1 has an empty caption, or none"):
        CaptionedImages(np.zeros((2, 3, 3, 3), np.uint8), [("a",), ()])


def test_scenes_of_the_test_are_combinations_that_training_never_has():
    stamps = made_stamps()
    nouns = tuple(stamps.nouns())
    splits = made_scenes(stamps, 32, {"train": 60, "valid": 7, "test": 5}, nouns)
    known, held_out = divide_triples(nouns)
    said = {part: {triple_of(text) for text in getattr(splits, part).texts} for part in ("train", "valid", "test")}
    assert said["test"] <= {*held_out}
    assert said["train"] | said["valid"] <= {*known}
    assert not said["train"] & said["test"]
    first, second = (triple_of(text) for text in splits.test.captions[0])
    assert first.inverse == second
    assert splits.source["constructed"]
