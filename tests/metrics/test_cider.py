"""CIDEr and CIDEr-D against arithmetic by hand, a plain second version of the formulas, and the rules of the paper."""

import math
import random

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.metrics.cider import caption_words, cider, cider_d, document_frequencies


def words(*texts):
    return [text.split() for text in texts]


def plain(captions, references, d):
    """Equations 1 to 5 of Vedantam et al. with vectors over all n-grams: one column each."""
    total = len(references)
    out = []
    for caption, some in zip(captions, references, strict=True):
        score = 0.0
        for n in (1, 2, 3, 4):
            grams = lambda text, n=n: [" ".join(text[i : i + n]) for i in range(len(text) - n + 1)]
            every = sorted({g for texts in [captions, *references] for text in texts for g in grams(text)})
            seen = np.array([sum(any(g in grams(text) for text in texts) for texts in references) for g in every])
            idf = np.log(total / np.maximum(seen, 1))
            vector = lambda text, every=every, idf=idf, grams=grams: np.array(
                [grams(text).count(g) for g in every]) * idf  # fmt: skip
            for reference in some:
                ours, theirs = vector(caption), vector(reference)
                dot = np.minimum(ours, theirs) @ theirs if d else ours @ theirs
                norms = np.linalg.norm(ours) * np.linalg.norm(theirs)
                length = math.exp(-((len(caption) - len(reference)) ** 2) / 72) if d else 1.0
                score += length * dot / norms / len(some) / 4 if norms else 0.0
        out.append(10 * score)
    return out


def test_a_caption_by_hand():
    """Of two images "red" is in one and "a" in both: idf log 2 and 0, so that "a" does not count at all."""
    captions, references = words("a red", "a red"), [words("a red"), words("a blue")]
    # The first: cosine 1 of single words (red) and of pairs (a red); it has no longer ones, whose parts are 0.
    # The second: red and blue, "a red" and "a blue" have nothing in common.
    assert cider(captions, references) == pytest.approx([10 * 2 / 4, 0.0])
    assert cider_d(captions, references) == pytest.approx([10 * 2 / 4, 0.0])


def test_repeated_words_gain_nothing_in_cider_d():
    """Of "red red red" beside "red ball": cosine 1 / sqrt 2; the count of red is cut to 1, and 3 - 2 words are off."""
    captions, references = words("red red red", "x"), [words("red ball"), words("x")]
    first = cider(captions, references)[0]
    assert first == pytest.approx(10 / 4 / math.sqrt(2))
    clipped = 1 / (3 * math.sqrt(2)) * math.exp(-1 / 72)  # min(3, 1) * 1 / (3 * sqrt 2), both times log(2) ** 2
    assert cider_d(captions, references)[0] == pytest.approx(10 / 4 * clipped)


def test_both_equal_a_plain_version_on_random_captions():
    draw = random.Random(3)
    some = lambda: [draw.choice("abcdefg") for _ in range(draw.randint(0, 9))]
    captions, references = [some() for _ in range(11)], [[some() for _ in range(draw.randint(1, 3))] for _ in range(11)]
    assert cider(captions, references) == pytest.approx(plain(captions, references, d=False))
    assert cider_d(captions, references) == pytest.approx(plain(captions, references, d=True))


def test_what_people_say_scores_highest_and_never_over_ten():
    references = [words("the small dog runs over grass", "a dog runs"), words("two red birds in a tree")]
    best = [some[0] for some in references]
    assert cider(best, [[one] for one in best]) == pytest.approx([10, 10])
    assert cider_d(best, [[one] for one in best]) == pytest.approx([10, 10])
    assert all(0 < score < 10 for score in cider_d([references[0][1], best[1]], [references[0], best[1:2]])[:1])


def test_frequencies_of_another_corpus():
    known = document_frequencies([words("a dog"), words("a cat"), words("a cow")])
    assert known.idf(("dog",)) == pytest.approx(math.log(3))
    assert known.idf(("never",)) == pytest.approx(math.log(3))
    assert known.idf(("a",)) == 0
    assert cider(words("a dog"), [words("a dog")], known) == pytest.approx([5.0])
    assert math.isnan(cider(words("a dog"), [words("a dog")])[0])


def test_words_are_lower_case_without_punctuation():
    assert caption_words("Ein Bär, zwei „Äpfel“.") == ["ein", "bär", "zwei", "äpfel"]
    assert caption_words("L'arc-en-ciel…") == ["l'arc-en-ciel"]


def test_what_cannot_be_scored():
    with pytest.raises(UserError, match="2 captions for the references of 1 image"):
        cider(words("a", "b"), [words("a")])
    with pytest.raises(UserError, match="image 1 has no reference caption"):
        cider_d(words("a", "b"), [words("a"), []])
    with pytest.raises(UserError, match="no caption to score"):
        cider([], [])
