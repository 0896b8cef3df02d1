"""Constructed questions about scenes of stamps, with known answers: what is there, how many, and where."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from lingon.core.counted import plural
from lingon.core.seed import derive
from lingon.data.image_questions import ImageQuestion, ImageQuestions
from lingon.data.scene_relations import INVERSE, RELATIONS, Triple, divide_triples, with_article
from lingon.data.scene_sets import counting_scenes, pair_scenes
from lingon.data.scenes import Composer, Scene

__all__ = ["SceneCounts", "scene_questions"]

EXISTENCE, COUNTING, PLACING, CHECKING = "is there", "how many", "what is where", "is it where"  # types of questions
Question = tuple[str, str, str]  # the question, its answer, and its type
MOST = 5  # equal things in a scene


class SceneCounts(NamedTuple):
    """Numbers of scenes to train, validate and test on; half of them are for counting."""

    train: int = 4_000
    valid: int = 400
    test: int = 1_000


def scene_questions(
    composer: Composer, counts: SceneCounts = SceneCounts()
) -> tuple[ImageQuestions, ImageQuestions, ImageQuestions]:
    """Return training, validation and test questions about scenes that a composer makes; always the same ones.

    A tenth of the combinations of two nouns and a relation is only in the test, whose placing questions use no others.
    Only the composition is new in the test: its stamps are those of training.
    """
    known, held_out = divide_triples(composer.nouns)
    parts = {"train": known, "valid": known, "test": held_out}
    found = []
    for (name, triples), count in zip(parts.items(), counts, strict=True):
        random = np.random.default_rng(derive(0, "scene questions", name))
        counted = counting_scenes(composer, count // 2, name, MOST)
        placed = pair_scenes(composer, triples, count - count // 2, name)
        asked = [_counting(scene, composer.nouns, random) for scene in counted]
        asked += [_placing(scene, random) for scene in placed]
        scenes = [*counted, *placed]
        both = [_existence(s, composer.nouns, random) + some for s, some in zip(scenes, asked, strict=True)]
        found.append(_together(scenes, both, name))
    return found[0], found[1], found[2]


def _existence(scene: Scene, nouns: Sequence[str], random: np.random.Generator) -> list[Question]:
    """Ask whether each noun of a scene is there, and about as many that are not."""
    there = list(dict.fromkeys(scene.nouns))
    absent = random.permutation([noun for noun in nouns if noun not in there])[: len(there)].tolist()
    asked = [(noun, "yes") for noun in there] + [(noun, "no") for noun in absent]
    return [(f"is there {with_article(noun)}?", answer, EXISTENCE) for noun, answer in asked]


def _counting(scene: Scene, nouns: Sequence[str], random: np.random.Generator) -> list[Question]:
    """Ask for the number of each noun in a scene, and of one that is not there."""
    there = list(dict.fromkeys(scene.nouns))
    absent = [noun for noun in nouns if noun not in there]
    asked = [*there, *([absent[random.integers(len(absent))]] if absent else [])]
    return [(f"how many {plural(noun)} are there?", str(scene.count(noun)), COUNTING) for noun in asked]


def _placing(scene: Scene, random: np.random.Generator) -> list[Question]:
    """Ask about two objects what is where, and whether a relation holds; half of the latter answers are "yes"."""
    assert scene.triple is not None
    questions = []
    for triple in (scene.triple, scene.triple.inverse):
        questions.append((f"what is {triple.relation} the {triple.other}?", triple.noun, PLACING))
        right = bool(random.random() < 0.5)
        said = triple.relation if right else _another(triple, random)
        questions.append(
            (f"is {with_article(triple.noun)} {said} the {triple.other}?", "yes" if right else "no", CHECKING)
        )
    return questions


def _another(triple: Triple, random: np.random.Generator) -> str:
    """Return a relation that does not hold between two objects: the opposite one with probability 0.5."""
    if random.random() < 0.5:
        return INVERSE[triple.relation]
    others = [one for one in RELATIONS if one not in (triple.relation, INVERSE[triple.relation])]
    return others[random.integers(len(others))]


def _together(scenes: Sequence[Scene], asked: Iterable[list[Question]], name: str) -> ImageQuestions:
    questions = [ImageQuestion(i, *one) for i, some in enumerate(asked) for one in some]
    return ImageQuestions(
        np.stack([scene.image for scene in scenes]), questions, [f"{name}/{i}" for i in range(len(scenes))]
    )
