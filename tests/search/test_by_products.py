"""Highlighted passages, near-duplicates and clusters."""

import random

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.search import Index
from lingon.search.bm25 import BM25
from lingon.search.clusters import characteristic_words, clusters_of
from lingon.search.duplicates import Pair, groups_of, near_duplicates
from lingon.search.highlight import highlight
from lingon.search.page import write_page
from lingon.search.terms import terms_of
from tests.search.toy import ToyEncoder, write_folder


def marked(text, terms, width=320):
    return "".join(f"[{p.text}]" if p.marked else p.text for p in highlight(text, terms, width))


def test_words_of_the_query_are_marked():
    assert marked("The Cat,\nthe cats and a CAT.", ["cat"]) == "The [Cat], the cats and a [CAT]."
    assert marked("東京都へ", ["京都"]) == "東[京都]へ"
    assert marked("nothing", ["x"]) == "nothing"
    assert marked("", ["x"]) == ""


def test_the_stretch_with_the_most_words_is_shown():
    text = "cat " + "filler words here " * 30 + "the dog met a cat today " + "more filler " * 30
    found = marked(text, ["cat", "dog"], 60)
    assert found.startswith("... ")
    assert found.endswith(" ...")
    assert "[dog] met a [cat]" in found
    assert len(found) < 80
    assert marked("a" * 500, ["x"], 50) == "a" * 50 + " ..."


def jaccard(first, second):
    sets = [{tuple(t[i : i + 3]) for i in range(max(1, len(t) - 2))} for t in map(terms_of, (first, second))]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def test_near_duplicates_are_those_of_all_pairs():
    draw = random.Random(4)
    words = [f"w{i}" for i in range(300)]
    texts = [" ".join(draw.choices(words, k=40)) for _ in range(60)]
    for i in range(20):  # copies with up to two words changed
        copy = texts[i].split()
        for _ in range(i % 3):
            copy[draw.randrange(40)] = "changed"
        texts.append(" ".join(copy))
    found = near_duplicates(texts, 0.8)
    expected = {(i, j) for j in range(len(texts)) for i in range(j) if jaccard(texts[i], texts[j]) >= 0.8}
    assert {(p.first, p.second) for p in found} == expected
    assert len(expected) >= 14
    assert all(p.similarity == pytest.approx(jaccard(texts[p.first], texts[p.second])) for p in found)
    assert [p.similarity for p in found] == sorted((p.similarity for p in found), reverse=True)


def test_a_thousand_copies_are_a_thousand_pairs():
    found = near_duplicates(["The same text."] * 1000 + ["Quite another one."])
    assert len(found) == 999
    assert groups_of(found) == [list(range(1000))]
    assert near_duplicates(["", " ", "?"]) == []
    with pytest.raises(UserError, match=r"--threshold 0; expected more than 0"):
        near_duplicates(["a"], 0)


def test_groups_of_pairs():
    pairs = [Pair(3, 5, 1.0), Pair(8, 9, 1.0), Pair(1, 5, 0.9), Pair(9, 8, 0.9)]
    assert groups_of(pairs) == [[1, 3, 5], [8, 9]]


TOPICS = {"river": "water fish boat", "money": "bank loan debt", "music": "song drum choir"}


def test_clusters_are_the_topics_and_named_after_them(tmp_path):
    draw = random.Random(1)
    folder = tmp_path / "texts"
    folder.mkdir()
    for topic, words in TOPICS.items():
        for i in range(9 if topic == "music" else 7):
            own = " ".join([topic, *draw.choices(words.split(), k=8)])
            (folder / f"{topic}{i}.txt").write_text(f"the {own} and the")
    index = Index.build(folder, tmp_path / "index", ToyEncoder(29))
    found = clusters_of(index, 3)
    assert [len(cluster.rows) for cluster in found] == [9, 7, 7]
    for cluster in found:
        (topic,) = {index.path_of(row).rstrip("0123456789.tx") for row in cluster.rows}
        assert topic in cluster.words
        assert set(cluster.words) <= {topic, *TOPICS[topic].split()}  # "the" and "and" name nothing
    assert {p for c in found for p in c.rows} == set(range(23))
    with pytest.raises(UserError, match="99 clusters; expected 2 to 23"):
        clusters_of(index, 99)
    with pytest.raises(UserError, match="has no vectors; index again without --lexical-only"):
        clusters_of(Index.build(folder, tmp_path / "words"), 3)


def test_characteristic_words_by_hand():
    # "bank" is in both passages of group 0 and in one of two of group 1; "loan" only in group 0.
    documents = [["bank", "loan"], ["bank", "loan"], ["bank", "fish"], ["fish"]]
    found = characteristic_words(BM25.build(documents), np.array([0, 0, 1, 1]), 2)
    assert found == [["loan", "bank"], ["fish"]]  # 1 log 2 and 1 log(4/3); 1 log 2, and .5 log(2/3) is below 0


def test_characteristic_words_of_scripts_without_spaces():
    documents = [terms_of("番茄土壤"), terms_of("a of 12"), terms_of("gardens")]
    found = characteristic_words(BM25.build(documents), np.array([0, 1, 1]), 2)
    assert (sorted(found[0]), found[1]) == (sorted(["番茄", "茄土", "土壤"]), ["gardens"])


def test_the_page_escapes_what_strangers_wrote(tmp_path):
    folder = write_folder(tmp_path / "texts")
    (folder / "evil.txt").write_text("Rain <script>alert(1)</script> & rain")
    index = Index.build(folder, tmp_path / "index")
    hits = index.search("rain")
    text = write_page(tmp_path / "page.html", "<b>rain</b>", hits, "6 passages", {"evil.txt": "gone"}).read_text()
    assert "<mark>Rain</mark> &lt;script&gt;alert(1)&lt;/script&gt; &amp; <mark>rain</mark>" in text
    assert "<h1>&lt;b&gt;rain&lt;/b&gt;</h1>" in text
    assert "gone since it was indexed" in text
