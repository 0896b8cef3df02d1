"""Composed scenes: masks, boxes and relations are true of the picture, and a seed says everything."""

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.data.scene_backgrounds import BACKGROUNDS, background
from lingon.data.scene_relations import RELATIONS, all_triples, divide_triples, relation_of, triple_of
from lingon.data.scene_sets import counting_scenes, mixed_scenes, pair_scenes
from lingon.data.scenes import Composer
from tests.data.made_stamps import COLOURS, made_stamps

pytest.importorskip("PIL.Image")
NOUNS = tuple(COLOURS)


@pytest.fixture
def composer() -> Composer:
    return Composer(made_stamps(), NOUNS, size=53)


def test_an_equal_seed_gives_an_equal_scene(composer):
    one, same, other = (composer.compose(["disc", "bar"], "train", i) for i in (1, 1, 2))
    np.testing.assert_array_equal(one.image, same.image)
    np.testing.assert_array_equal(one.mask, same.mask)
    assert (one.boxes == same.boxes).all()
    assert (one.image != other.image).any()


def test_the_mask_names_the_colour_that_is_seen(composer):
    for scene in mixed_scenes(composer, 11, "test"):
        assert scene.image.shape == (53, 53, 3)
        assert scene.image.dtype == scene.mask.dtype == np.uint8
        assert {NOUNS[i - 1] for i in np.unique(scene.mask) if i} == set(scene.nouns)
        for number in set(np.unique(scene.mask)) - {0}:
            seen = np.median(scene.image[scene.mask == number], axis=0)
            assert seen.argmax() == number - 1  # red, green, blue
            assert (np.delete(seen, number - 1) < 10).all()


def test_a_box_holds_its_thing_and_nothing_else(composer):
    for i in range(7):
        scene = composer.compose(["square"], "boxes", i)
        left, top, right, bottom = scene.boxes[0]
        assert (scene.mask[top:bottom, left:right] == 3).all()
        assert scene.mask.sum() == 3 * (right - left) * (bottom - top)


def test_things_overlap_by_no_more_than_is_allowed():
    composer = Composer(made_stamps(), NOUNS, size=53, overlap=0.0)
    for scene in mixed_scenes(composer, 17, "overlap", most=5):
        covered = np.zeros((53, 53), int)
        for left, top, right, bottom in scene.boxes:
            covered[top:bottom, left:right] += 1
        assert covered.max() == 1


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_pair_is_where_its_triple_says(composer, relation):
    wanted = [one for one in all_triples(NOUNS) if one.relation == relation]
    for scene in pair_scenes(composer, wanted, 12, "pairs"):
        (row, column), (other_row, other_column) = (
            np.argwhere(scene.mask == 1 + NOUNS.index(noun)).mean(0) for noun in scene.nouns
        )
        down, right = other_row - row, other_column - column
        seen = {"left of": right, "right of": -right, "above": down, "below": -down}
        assert max(seen, key=seen.__getitem__) == relation == scene.triple.relation
        assert triple_of(scene.triple.caption()) == scene.triple


def test_triples_are_held_out_with_their_inverse():
    train, held_out = divide_triples(NOUNS, share=0.25)
    assert len(train) + len(held_out) == 3 * 2 * 4
    assert len(held_out) == 2 * round(0.25 * 12)
    assert not set(train) & set(held_out)
    assert {one.inverse for one in held_out} == set(held_out)
    assert {one.inverse for one in train} == set(train)


def test_what_is_diagonal_has_no_relation():
    assert relation_of((0, 0, 2, 2), (10, 10, 12, 12)) is None
    assert relation_of((0, 0, 2, 2), (0, 0, 2, 2)) is None
    assert triple_of("a frog beside an owl") is None
    assert triple_of("a frog left of two owls there") is None


def test_counts_are_all_equally_often(composer):
    scenes = counting_scenes(composer, 15, "train", most=5, others=2)
    assert sorted(max(scene.count(noun) for noun in NOUNS) for scene in scenes) == sorted([1, 2, 3, 4, 5] * 3)
    assert any(len(set(scene.nouns)) == 3 for scene in scenes)


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_a_background_is_between_its_colours(kind):
    found = BACKGROUNDS[kind](np.random.default_rng(3), 31)
    assert found.shape == (31, 31)
    assert found.min() >= 0
    assert found.max() <= 1
    assert background(np.random.default_rng(3), 31).shape == (31, 31, 3)


def test_unknown_nouns_and_too_many_things_are_refused(composer):
    with pytest.raises(UserError, match="unknown noun of stamps 'disk'; did you mean 'disc'"):
        Composer(made_stamps(), ["disk"])
    with pytest.raises(UserError, match="unknown noun of these scenes 'cube'"):
        composer.compose(["cube"], 0)
    with pytest.raises(UserError, match="no room for 400 things in 53 x 53 pixels"):
        composer.compose(["square"] * 400, 0)
