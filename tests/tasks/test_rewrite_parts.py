"""Rewriting without a model: markers by hand, contents, the template, retrieval beside scikit-learn, noise."""

from random import Random

import numpy as np
import pytest

from lingon.core.errors import DataError, UserError
from lingon.tasks.rewrite.attribute_markers import AttributeMarkers
from lingon.tasks.rewrite.content import Content, fill_with
from lingon.tasks.rewrite.marker_noise import MarkerNoise
from lingon.tasks.rewrite.similar_contents import SimilarContents
from lingon.tasks.rewrite.spelling import Spelling, words_of
from lingon.tasks.rewrite.style_corpus import StyleCorpus

GOOD = ["a good film", "a very good film", "good acting", "the film is warm", "warm and good"]
BAD = ["a dull film", "a very dull film", "dull acting", "the film is cold", "the plot is dull"]


def split(text):
    return tuple(text.split())


def test_salience_is_that_of_formula_1():
    """good: 4 times against 0 (5 and 1 when smoothed); film: 3 against 3; "a very" 1 against 1."""
    rows = {"good": [split(text) for text in GOOD], "bad": [split(text) for text in BAD]}
    found = AttributeMarkers.find(rows, threshold=2.5)
    assert found.salience["good"]["good"] == pytest.approx((4 + 1) / (0 + 1))
    assert found.salience["good"]["warm"] == pytest.approx((2 + 1) / (0 + 1))
    assert "good film" not in found.salience["good"]  # (2 + 1) / (0 + 1), which "good" has without it
    assert found.salience["bad"]["dull"] == pytest.approx((4 + 1) / (0 + 1))
    assert "film" not in found.salience["good"]  # (3 + 1) / (3 + 1)
    assert "very good" not in found.salience["good"]  # (1 + 1) / (0 + 1)
    assert found.strongest("good", 1) == ["good"]
    less = AttributeMarkers.find(rows, threshold=2.5, smoothing=0.5)
    assert less.salience["good"]["good"] == pytest.approx(4.5 / 0.5)


def test_the_larger_style_has_not_all_words_as_markers():
    rows = {"good": [("film", "plot")] * 30, "bad": [("film", "plot")] * 3}
    assert AttributeMarkers.find(rows, 2.0).salience == {"good": {}, "bad": {}}
    rows["bad"] = [("film", "dull")] * 3
    # 3 of 3 sentences are as many as 16.5 of 16.5: (16.5 + 1) / (0 + 1).
    assert AttributeMarkers.find(rows, 2.0).salience["bad"]["dull"] == pytest.approx(17.5)


def test_overlapping_and_neighbouring_markers_are_one_run():
    markers = AttributeMarkers({"x": {"really good": 9.0, "good film": 9.0, "film": 9.0, "bad": 9.0}})
    content = markers.content(split("a really good film and a bad one"), "x")
    assert content.words == split("a and a one")
    assert content.deleted == (split("really good film"), split("bad"))
    assert content.slots == (1, 3)
    assert content.sentence == split("a really good film and a bad one")
    assert markers.evidence(split("a bad one"), "x") == pytest.approx(np.log(9.0))


def test_a_content_is_filled_again_whatever_was_deleted():
    random = Random(0)
    for _ in range(200):
        words = tuple(random.choice("abcde") for _ in range(random.randrange(9)))
        gone = {i for i in range(len(words)) if random.random() < 0.4}
        content = Content.without(words, gone)
        assert content.sentence == words
        assert len(content.words) + sum(map(len, content.deleted)) == len(words)


DOGS = split("Two dogs play by a tree")
TEMPLATES = {
    "the deck's": (
        Content(DOGS),
        Content.without(split("Two dogs in love play happily by a tree"), {2, 3, 5}),
        "Two dogs in love play happily by a tree",
    ),
    "happily where its neighbours are": (
        Content(DOGS),
        Content.without(split("Two cats play happily in the sun"), {3}),
        "Two dogs play happily by a tree",
    ),
    "nothing alike": (Content(split("We left .")), Content.without(split("It is love"), {2}), "We left love ."),
    "slot by slot": (
        Content.without(split("a dull film with a cold heart"), {1, 5}),
        Content.without(split("a warm film with a good heart"), {1, 5}),
        "a warm film with a good heart",
    ),
    "more runs than slots": (
        Content.without(split("a dull film"), {1}),
        Content.without(split("so good and so warm"), {1, 4}),
        "a good warm film",
    ),
    "fewer runs than slots": (
        Content.without(split("a dull and cold film"), {1, 3}),
        Content.without(split("a good film"), {1}),
        "a good and film",
    ),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_template(name):
    content, other, wanted = TEMPLATES[name]
    assert " ".join(fill_with(content, other)) == wanted


def test_cosines_are_those_of_scikit_learn():
    text = pytest.importorskip("sklearn.feature_extraction.text")
    rows = [text.split() for text in [*GOOD, *BAD, "film film film plot", ""]]
    peer = text.TfidfVectorizer(analyzer=lambda words: words)
    table = peer.fit_transform(rows).toarray()
    ours = SimilarContents(rows)
    for query in (["film", "film", "good"], ["plot", "strange"], ["strange"], []):
        known = peer.transform([query]).toarray()[0]
        np.testing.assert_allclose(ours.cosines(query), table @ known, atol=1e-12)
    assert ours.nearest(["plot", "is", "dull"]) == 9


def test_similar_markers_differ_in_one_word():
    noise = MarkerNoise(map(split, ["very good", "very bad", "good", "very very good", "so bad", "not so very good"]))
    assert noise.similar(split("very good")) == [split("good"), split("very bad"), split("very very good")]
    brute = {marker: {o for o in noise.known if _distance(marker, o) == 1} for marker in noise.known}
    assert {marker: set(noise.similar(marker)) for marker in noise.known} == brute


def _distance(a, b):
    """Levenshtein's, by its definition."""
    if not a or not b:
        return len(a) + len(b)
    return min(_distance(a[1:], b) + 1, _distance(a, b[1:]) + 1, _distance(a[1:], b[1:]) + (a[0] != b[0]))


def test_markers_are_swapped_as_often_as_asked():
    noise = MarkerNoise(map(split, ["good", "bad", "not so at all"]))
    markers, random = [split("good"), split("not so at all")], Random(0)
    found = [noise.swapped(markers, random, 0.1) for _ in range(2000)]
    assert all(row[1] == split("not so at all") for row in found)  # nothing is like it
    swapped = sum(row[0] == split("bad") for row in found)
    assert abs(swapped - 200) < 4 * (2000 * 0.1 * 0.9) ** 0.5


def test_texts_look_as_the_corpus_does():
    spaced = ["the film , it is n't good .", "so ( very ) dull !"]
    plain = ["The film, it isn't good.", "So (very) dull!"]
    assert Spelling.of(spaced) == Spelling(lowercase=True, spaced=True)
    assert Spelling.of(plain) == Spelling(lowercase=False, spaced=False)
    for text in plain:
        assert Spelling().text(Spelling().words(text)) == text
    assert Spelling(spaced=True).text(words_of("Good, no?")) == "Good , no ?"
    assert Spelling(lowercase=True).words("It's GOOD") == ["it's", "good"]
    assert Spelling().text([]) == ""


def test_a_longer_marker_counts_where_it_says_more_than_its_parts():
    rows = {"good": [("not", "bad")] * 6 + [("bad",)], "bad": [("bad",)] * 6 + [("not",)]}
    found = AttributeMarkers.find(rows, 3.0).salience["good"]
    assert found["not bad"] == pytest.approx(7 / 1)
    assert found["not"] == pytest.approx(7 / 2)
    assert "bad" not in found  # 8 / 7


def corpus(threshold=2.5):
    return StyleCorpus({"bad": BAD, "good": GOOD}, threshold)


def test_the_most_similar_sentence_of_the_other_style():
    found = corpus()
    content = found.content(split("a very dull film"), "bad")
    assert content.words == split("a very film")
    assert found.other("bad") == "good"
    assert found.retrieve(content, "good").sentence == split("a very good film")
    plain = found.content(split("the film is warm"), "bad")
    assert plain.deleted == ()
    assert found.retrieve(plain, "bad", marked=False).sentence == split("the film is cold")


def test_a_corpus_of_styles_is_what_its_configuration_says():
    found = StyleCorpus.from_config(corpus().config())
    assert found.config() == corpus().config()
    assert found.markers == corpus().markers


WRONG = {
    "a label too few": ({"sentences": {"good": GOOD}}, "there is 1 label \\('good'\\); a rewriter takes exactly two"),
    "a label too many": ({"sentences": {"a": GOOD, "b": BAD, "c": BAD}}, "there are 3 labels .*exactly two"),
    "no sentences": ({"sentences": {"a": GOOD, "b": []}}, "the style 'b' has no sentences"),
    "numbers": ({"sentences": {"a": [1], "b": GOOD}}, "those of 'a' are not a list of texts"),
    "a threshold of text": ({"threshold": "5"}, "key 'threshold' is '5', expected a number"),
    "a threshold of 1": ({"threshold": 1}, "threshold is 1; expected more than 1"),
    "no smoothing": ({"smoothing": 0}, "smoothing is 0; expected more than 0"),
    "a key too few": ({"lowercase": None}, "key 'lowercase' is 'None'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_configuration_is_refused(name):
    change, message = WRONG[name]
    with pytest.raises(DataError, match=message):
        StyleCorpus.from_config(corpus().config() | change)


def test_an_unknown_style_is_refused():
    with pytest.raises(UserError, match="unknown label 'goood'; did you mean 'good'"):
        corpus().other("goood")
