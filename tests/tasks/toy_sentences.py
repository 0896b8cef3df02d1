"""A toy language whose words have tags that a small model learns within seconds."""

import random
from dataclasses import dataclass, field

from lingon.data.tagged_sentences import TaggedSentence, TaggedSentences, TaggedSplits

KINDS = {"DET": ["the", "a"], "ADJ": ["old", "red"], "NOUN": ["cat", "dog", "man"], "VERB": ["saw", "met"]}
PLACES = [["Paris"], ["New", "York"], ["Rome"]]


def parts_of_speech(count, seed=0):
    """Sentences of the pattern DET ADJ? NOUN VERB DET ADJ? NOUN."""
    dice = random.Random(seed)
    made = []
    for _ in range(count):
        half = lambda: ["DET", *(["ADJ"] if dice.random() < 0.5 else []), "NOUN"]
        tags = [*half(), "VERB", *half()]
        made.append(TaggedSentence(tuple(dice.choice(KINDS[tag]) for tag in tags), tuple(tags)))
    return TaggedSentences(made)


def slots(count, seed=0):
    """Sentences with places in them, and a label: book or ask."""
    dice = random.Random(seed)
    made = []
    for _ in range(count):
        label = dice.choice(["book", "ask"])
        start, place = ["fly", "to"] if label == "book" else ["where", "is"], dice.choice(PLACES)
        tags = ["O", "O", "B-place", *["I-place"] * (len(place) - 1)]
        end = dice.choice([[], ["now"]])
        made.append(TaggedSentence((*start, *place, *end), (*tags, *["O"] * len(end)), label))
    return TaggedSentences(made)


def splits(make=parts_of_speech, count=120):
    return TaggedSplits(make(count), make(20, 1), make(20, 2), "toy", {"name": "toy"})


@dataclass(frozen=True)
class Given:
    """A source of data for a recipe: these sentences."""

    found: TaggedSplits = field(default_factory=splits)

    def read(self):
        return self.found

    def record(self):
        return {"data": "toy"}
