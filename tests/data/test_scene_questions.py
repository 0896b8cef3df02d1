"""Questions on composed scenes: their answers are what the scenes show, and the test has combinations of its own."""

import pytest

from lingon.data.corpora.images import load_image_set
from lingon.data.scene_questions import CHECKING, COUNTING, EXISTENCE, PLACING, SceneCounts, scene_questions
from lingon.data.scene_relations import RELATIONS, Triple, divide_triples, relation_of
from lingon.data.scene_sets import counting_scenes, pair_scenes
from lingon.data.scenes import Composer
from tests.data.made_stamps import COLOURS, made_stamps

PLURALS = {"disc": "discs", "bar": "bars", "square": "squares"}


@pytest.fixture(scope="module")
def made():
    composer = Composer(made_stamps(), list(COLOURS), size=48, sides=(0.15, 0.25))
    return composer, scene_questions(composer, SceneCounts(26, 10, 14))


def test_answers_are_what_the_scenes_show(made):
    composer, parts = made
    held_out = divide_triples(composer.nouns)
    for part, name, triples in zip(parts, ("train", "valid", "test"), [held_out[0]] * 2 + [held_out[1]], strict=True):
        scenes = counting_scenes(composer, len(part.names) // 2, name)
        scenes += pair_scenes(composer, triples, len(part.names) - len(scenes), name)
        assert all((scene.image == pixels).all() for scene, pixels in zip(scenes, part.pixels, strict=True))
        for one in part.questions:
            scene = scenes[one.image]
            if one.type == COUNTING:
                noun = next(noun for noun in COLOURS if PLURALS[noun] in one.question)
                assert one.answer == str(sum(other == noun for other in scene.nouns))
                continue
            if one.type == EXISTENCE:
                assert (one.answer == "yes") == (one.question.split()[-1].rstrip("?") in scene.nouns)
                continue
            first, second = scene.nouns
            places = {first: relation_of(*scene.boxes.tolist()), second: relation_of(*scene.boxes.tolist()[::-1])}
            relation = next(relation for relation in RELATIONS if f" {relation} the " in one.question)
            if one.type == PLACING:
                assert places[one.answer] == relation
                assert one.question.endswith(f"the {({first, second} - {one.answer}).pop()}?")
            else:
                assert one.type == CHECKING
                assert (one.answer == "yes") == (places[one.question.split()[2]] == relation)


def test_combinations_of_the_test_are_not_in_training(made):
    composer, (train, _, test) = made

    def asked(part):
        said = [(one.question.split(), one.answer) for one in part.questions if one.type == PLACING]
        return {Triple(answer, " ".join(words[2:-2]), words[-1].rstrip("?")) for words, answer in said}

    assert asked(test)
    assert not asked(train) & asked(test)
    assert asked(test) <= set(divide_triples(composer.nouns)[1])


def test_there_is_always_one_that_is_not_there_and_types_have_several_answers(made):
    _, (train, _, _) = made
    answers = {
        kind: {one.answer for one in train.questions if one.type == kind} for kind in (COUNTING, CHECKING, EXISTENCE)
    }
    assert answers[COUNTING] >= {"1", "2", "3", "4", "5"}
    assert answers[CHECKING] == answers[EXISTENCE] == {"yes", "no"}


@pytest.mark.data
@pytest.mark.long
def test_the_corpus_is_the_same_each_time():
    first, again = load_image_set("scene-questions"), load_image_set("scene-questions")
    assert first.test.checksum() == again.test.checksum()
    assert (len(first.train.names), len(first.test.names)) == (4_000, 1_000)
    assert first.source["constructed"]
