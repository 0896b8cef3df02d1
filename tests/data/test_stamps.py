"""Stamps: how a file of captions and a picture are read, and what the package holds."""

import numpy as np
import pytest

from lingon.core.errors import DataError
from lingon.data.corpora.images import load_image_set
from lingon.data.corpora.stamps import SIDE, captions_of, fit_stamp


def test_captions_are_read_by_language():
    text = "A frog.\nde.utf8=Ein  Frosch.\nes.utf8=Una rana.\n"
    assert captions_of(text, "frog") == {"en": "A frog.", "de": "Ein Frosch.", "fr": "A frog."}
    with pytest.raises(DataError, match=r"frog\.txt has no caption"):
        captions_of("\nde.utf8=Ein Frosch.", "frog")


def test_a_stamp_is_cut_to_what_is_seen_and_fills_its_square():
    picture = np.zeros((40, 60, 4), np.uint8)
    picture[10:20, 5:45] = (7, 11, 13, 255)
    found = fit_stamp(picture)
    rows, columns = (np.flatnonzero(found[..., 3].any(axis)) for axis in (1, 0))
    assert (len(rows), len(columns)) == (SIDE // 4, SIDE)
    assert rows[0] == SIDE // 2 - SIDE // 8
    assert (found[rows[0], 3] == (7, 11, 13, 255)).all()
    assert not fit_stamp(np.zeros((3, 5, 4), np.uint8)).any()


@pytest.mark.data
def test_the_package_has_785_stamps_and_no_caption_is_on_two_sides():
    splits = load_image_set("stamps")
    parts = (splits.train, splits.valid, splits.test)
    assert sum(map(len, parts)) == 785
    assert all(abs(len(p) - n) < 10 for p, n in zip(parts, (550, 78, 157), strict=True))
    for language in ("en", "de", "fr"):
        train, valid, test = ({one[language] for one in part.captions} for part in parts)
        assert not (train & valid)
        assert not (train & test)
        assert not (valid & test)
    everything = splits.all()
    assert everything.pixels.shape == (785, SIDE, SIDE, 4)
    assert len(everything.nouns()["frog"]) == 2
    assert len(set(everything.categories)) == 16
