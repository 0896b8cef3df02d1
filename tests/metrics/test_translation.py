"""BLEU and chrF++ against counts by hand; significance against sacrebleu; signatures stay with their scores."""

import builtins
import math
import random
from collections import Counter

import pytest

from lingon.core.errors import UserError
from lingon.metrics.resampling import bootstrap_interval, compare
from lingon.metrics.translation import corpus_bleu, corpus_chrf, corpus_ter, translation_scores, translation_statistics

WORDS = [
    "the",
    "a",
    "cat",
    "dog",
    "mouse",
    "sat",
    "saw",
    "slept",
    "on",
    "under",
    "near",
    "mat",
    "house",
    "garden",
    "and",
]


def ngrams(items, n):
    return Counter(tuple(items[i : i + n]) for i in range(len(items) - n + 1))


def bleu_by_hand(hypotheses, references):
    """Clipped counts over the corpus, their geometric mean, the brevity penalty; texts are split at spaces."""
    said, true = [text.split() for text in hypotheses], [text.split() for text in references]
    product = 1.0
    for n in range(1, 5):
        right = sum(sum((ngrams(h, n) & ngrams(r, n)).values()) for h, r in zip(said, true, strict=True))
        product *= right / sum(max(0, len(h) - n + 1) for h in said)
    ours, theirs = sum(map(len, said)), sum(map(len, true))
    return 100 * min(1.0, math.exp(1 - theirs / ours)) * product**0.25


def chrf_by_hand(hypotheses, references):
    """Mean precision and recall over 6 orders of characters and 2 of words, then F with beta 2."""
    precisions, recalls = [], []
    kinds = [(lambda t: t.replace(" ", ""), n) for n in range(1, 7)] + [(str.split, n) for n in (1, 2)]
    for items, n in kinds:
        said, true = [ngrams(items(t), n) for t in hypotheses], [ngrams(items(t), n) for t in references]
        right = sum(sum((h & r).values()) for h, r in zip(said, true, strict=True))
        precisions.append(right / sum(sum(h.values()) for h in said))
        recalls.append(right / sum(sum(r.values()) for r in true))
    p, r = sum(precisions) / 8, sum(recalls) / 8
    return 100 * 5 * p * r / (4 * p + r)


@pytest.fixture(scope="module")
def systems():
    """References, and two systems that change some of their words: the first fewer than the second."""
    draw = random.Random(3)
    references = [" ".join(draw.choices(WORDS, k=draw.randint(5, 13))) for _ in range(61)]

    def changed(share):
        return [
            " ".join(draw.choice(WORDS) if draw.random() < share else word for word in text.split())
            for text in references
        ]

    return references, changed(0.2), changed(0.3)


def test_bleu_and_chrf_are_those_counted_by_hand(systems):
    references, good, bad = systems
    for said in (good, bad):
        assert corpus_bleu(said, references).value == pytest.approx(bleu_by_hand(said, references), abs=1e-9)
        assert corpus_chrf(said, references).value == pytest.approx(chrf_by_hand(said, references), abs=1e-9)


def test_identical_texts_have_the_best_score(systems):
    references, *_ = systems
    values = [score(references, references).value for score in (corpus_bleu, corpus_chrf, corpus_ter)]
    assert values == pytest.approx([100, 100, 0])


def test_six_words_against_eight_are_punished_for_being_short():
    """All n-grams are right, so what is left of 100 is the brevity penalty exp(1 - 8/6)."""
    found = corpus_bleu(["the cat sat on the mat"], ["the cat sat on the mat last night"])
    assert found.value == pytest.approx(71.65313, abs=1e-5)


def test_ter_counts_edits_and_moves_per_word():
    """One word of four is another, one is missing: 2 edits over 8 words; a phrase that moved is one edit."""
    assert corpus_ter(["a b x d", "a b c"], ["a b c d", "a b c d"]).value == pytest.approx(25)
    assert corpus_ter(["c d a b"], ["a b c d"]).value == pytest.approx(25)


def test_chinese_is_scored_by_characters_and_the_signature_says_so():
    said, true = ["我喜欢红色的苹果"], ["我喜欢绿色的苹果"]
    assert corpus_bleu(said, true).value < corpus_bleu(said, true, "zh").value
    assert "tok:zh" in corpus_bleu(said, true, "zh").signature
    assert "tok:13a" in corpus_bleu(said, true).signature


def test_intervals_and_p_values_are_those_of_sacrebleu(systems):
    from sacrebleu.metrics import BLEU, CHRF
    from sacrebleu.significance import PairedTest

    references, good, bad = systems
    named, metrics = [("bad", bad), ("good", good)], {"bleu": BLEU(), "chrf": CHRF(word_order=2)}
    ar = PairedTest(named, metrics, [references], "ar", n_samples=320)()[1]
    bs = PairedTest(named, metrics, [references], "bs", n_samples=200)()[1]
    for name, shown in (("bleu", "BLEU"), ("chrf", "chrF2++")):
        first, second = (translation_statistics(name, said, references) for said in (bad, good))
        assert compare(first, second, 200, 320).p_value == pytest.approx(ar[shown][1].p_value, abs=1e-9)
        low, high = bootstrap_interval(second, 200)
        assert (high - low) / 2 == pytest.approx(bs[shown][1].ci, abs=1e-3)  # theirs is of float32
        assert low < second.value < high


def test_scores_keep_intervals_and_signatures(systems):
    references, good, _ = systems
    found = translation_scores(good, references, {"loss": 1.5})
    assert found.main == "bleu"
    assert list(found) == ["bleu", "chrf", "loss"]
    row = found.row()
    assert row["signatures"]["bleu"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.")
    assert row["signatures"]["chrf"].startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:2.")
    assert row["intervals"]["chrf"]["low"] < found["chrf"] < row["intervals"]["chrf"]["high"]
    assert any("tok:13a" in line for line in found.lines())


def test_other_numbers_of_texts_and_a_missing_package_are_named(monkeypatch):
    with pytest.raises(UserError, match="2 translations for 1 reference; each has one"):
        corpus_bleu(["a", "b"], ["a"])
    with pytest.raises(UserError, match="there is no translation to score"):
        corpus_bleu([], [])
    with pytest.raises(UserError, match="unknown metric 'blue'; did you mean 'bleu'"):
        translation_statistics("blue", ["a"], ["a"])
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("sacrebleu"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"need sacrebleu; install it with: .*pip install"):
        corpus_bleu(["a"], ["a"])
