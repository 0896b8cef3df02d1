"""Answers by overlapping words alone: the baseline that a model for questions has to leave behind."""

import math
import re
from collections import Counter

TOKEN = re.compile(r"\w+|[^\w\s]")
STOP_WORDS = (
    "a an the of in on at to for from by with and or as is are was were be been do does did has have had that this "
    "these those it its he she his her they their who whom whose what which when where why how many much"
)
STOP = frozenset(STOP_WORDS.split())
LONGEST = 6  # words of an answer
NEAR = 10  # words on each side of an answer in which words of the question count


def answer(question: str, passage: str) -> str:
    """Return the run of words in whose neighbourhood most of the question stands (Richardson et al. 2013, section 5).

    Candidates are runs of words that are neither of the question nor stop words, up to a mark. A word of the question
    counts the more the rarer it is in the passage and the nearer it stands.
    """
    tokens = [(found[0].lower(), *found.span()) for found in TOKEN.finditer(passage)]
    counts, asked = Counter(word for word, _, _ in tokens), {word.lower() for word in TOKEN.findall(question)} - STOP
    weights = [math.log(1 + 1 / counts[word]) if word in asked else 0.0 for word, _, _ in tokens]
    best, text = -1.0, ""
    for first, last in _candidates([word for word, _, _ in tokens], asked):
        around = [*range(max(0, first - NEAR), first), *range(last + 1, min(len(tokens), last + 1 + NEAR))]
        score = sum(weights[i] / (first - i if i < first else i - last) ** 0.5 for i in around)
        if score > best:
            best, text = score, passage[tokens[first][1] : tokens[last][2]]
    return text


def _candidates(words: list[str], asked: set[str]) -> list[tuple[int, int]]:
    found, first = [], None
    for i, word in enumerate([*words, "."]):
        able = word.isalnum() and word not in asked and word not in STOP
        if first is not None and (not able or i - first == LONGEST):
            found.append((first, i - 1))
            first = None
        if able and first is None:
            first = i
    return found
