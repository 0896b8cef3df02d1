"""The corpora: what the catalogue counted is there, clean, split as the docstring says, and quickly read again."""

import re

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.data.corpora import CORPORA, VECTORS, find_corpus, load_corpus, load_vectors, parsers
from lingon.data.corpora.load import load_corpus as documented
from lingon.data.fetch import fetch
from lingon.data.split import key_of

# What the packages hold, counted when they were put into the catalogue.
COUNTS = {
    "imdb": {"negative": 12_500, "positive": 12_500},
    "rotten-tomatoes": {"negative": 4_265, "positive": 4_265},
    "spam-assassin": {"ham": 4_150, "spam": 1_896},
}
# Training, validation and test texts as they were published, and labels. 20 Newsgroups and Reuters: Cardoso-Cachopo
# 2007, table 3.2; no part for validation, which is a tenth of the training texts of every label. The last number is of
# test texts that are in the other parts too.
PUBLISHED = {
    "20newsgroups": (11_293, 0, 7_528, 20, 7),
    "reuters-r8": (5_485, 0, 2_189, 8, 4),
    "reuters-r52": (6_532, 0, 2_568, 52, 6),
    "banking77": (10_003, 0, 3_080, 77, 7),
    "snips": (13_084, 700, 700, 7, 27),
}
TOTALS = {"vader-tweets": 4_200, "vader-movies": 10_605, "vader-amazon": 3_708, "vader-nyt": 5_190}


@pytest.mark.data
@pytest.mark.parametrize("name", [*COUNTS, *TOTALS])
def test_the_packages_hold_what_was_counted(name):
    row = CORPORA[name]
    found = row.parse(fetch(row.source, name))
    assert len(found) == TOTALS.get(name, len(found))
    assert found.label_counts() == COUNTS.get(name, found.label_counts())


@pytest.mark.data
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_parts_are_kept_whole(name):
    train, valid, test, labels, shared = PUBLISHED[name]
    splits = load_corpus(name)
    assert (len(splits.test), len(splits.test.label_counts())) == (test, labels)
    assert (len(splits.train) + len(splits.valid), len(splits.train.label_counts())) == (train + valid, labels)
    assert all(t.strip() == t != "" for t in splits.all().texts)
    known = {key_of(text) for text in (splits.train + splits.valid).texts}
    assert sum(key_of(text) in known for text in splits.test.texts) == shared
    if valid:
        assert len(splits.valid) == valid
    else:  # of every label a tenth, which of two to fourteen texts is one
        given = (splits.train + splits.valid).label_counts()
        cut = splits.valid.label_counts()
        assert {label: max(1, round(0.1 * n)) for label, n in given.items() if n > 1} == pytest.approx(cut, abs=12)
        pairs = [{(key_of(t), y) for t, y in zip(p.texts, p.labels, strict=True)} for p in (splits.train, splits.valid)]
        assert not pairs[0] & pairs[1]
    assert splits.source["licence"] == CORPORA[name].licence


@pytest.mark.data
def test_a_corpus_of_a_repository_says_where_each_file_comes_from():
    source = load_corpus("banking77").source
    assert (source["repository"], source["commit"][:7]) == ("PolyAI-LDN/task-specific-datasets", "57ec275")
    assert source["files"][1] == {
        "path": "banking_data/test.csv",
        "bytes": 239_961,
        "sha256": "d12d6e3bc4c3103966ae786dc435913c0c563dfa328f5a3646d0e62cfeeb474d",
    }


@pytest.mark.data
@pytest.mark.parametrize("name", [name for name in CORPORA if name not in (*PUBLISHED, "reuters-joined")])
def test_every_corpus_without_published_parts_is_clean_and_divided(name):
    splits = load_corpus(name)
    texts = splits.all().texts
    assert len({key_of(t) for t in texts}) == len(texts)  # no text twice, and so none on two sides
    assert all(t.strip() for t in texts)
    assert not any("\0" in t for t in texts)
    assert name == "spam-assassin" or not any("<br" in t for t in texts)  # some mails call their HTML plain text
    shares = [len(part) / len(texts) for part in (splits.train, splits.valid, splits.test)]
    assert shares == pytest.approx([0.72, 0.08, 0.2], abs=0.03)
    assert splits.source["sha256"] == splits.all().checksum()
    if splits.problem_type == "regression":
        assert len(set(splits.train.labels)) > 1
        return
    labels = splits.train.label_counts()
    assert len(labels) > 1
    assert labels.keys() == splits.valid.label_counts().keys() == splits.test.label_counts().keys()


@pytest.mark.data
def test_joined_texts_have_the_topics_of_all_and_keep_the_published_parts_apart():
    splits, of = load_corpus("reuters-joined"), load_corpus("reuters-r52")
    known = {
        text: label
        for part in (of.train, of.valid, of.test)
        for text, label in zip(part.texts, part.labels, strict=True)
    }
    for text, labels in zip(splits.test.texts[:300], splits.test.labels[:300], strict=True):
        assert set(labels) == {known[one] for one in text.split("\n")}
    pieces = [{one for text in part.texts for one in text.split("\n")} for part in (splits.train, splits.test)]
    assert pieces[0] <= {*of.train.texts, *of.valid.texts}
    assert pieces[1] == {*of.test.texts}
    assert {len(labels) for labels in splits.train.labels} == {1, 2, 3}


@pytest.mark.data
def test_the_split_of_imdb_is_the_documented_one():
    splits = load_corpus("imdb")
    said = [int(n.replace(",", "")) for n in re.findall(r"\d+,\d+", documented.__doc__)]
    parts = [len(splits.train), len(splits.valid), len(splits.test)]
    assert said == [25_000, sum(parts), *parts]


@pytest.mark.data
def test_ratings_decide_the_labels():
    tweets = load_corpus("vader-tweets").all()
    assert min(tweets.ratings) >= -4
    assert max(tweets.ratings) <= 4
    for rating, label in zip(tweets.ratings, tweets.labels, strict=True):
        assert label == ("negative" if rating < -0.5 else "positive" if rating > 0.5 else "neutral")


@pytest.mark.data
def test_read_again_from_the_cache_a_corpus_is_the_same_and_a_damaged_cache_is_mended(tmp_path, monkeypatch):
    packages = fetch(CORPORA["wiki-topics-es"].source).parent
    monkeypatch.setenv("LINGON_CACHE", str(tmp_path))
    (tmp_path / "packages").symlink_to(packages)
    first = load_corpus("wiki-topics-es")
    (kept,) = (tmp_path / "corpora").iterdir()
    assert load_corpus("wiki-topics-es") == first
    kept.write_bytes(kept.read_bytes()[:-99])
    assert load_corpus("wiki-topics-es") == first


@pytest.mark.data
def test_the_vectors_are_those_of_the_package():
    row = VECTORS["glove-6b-50d"]
    words, table = load_vectors("glove-6b-50d")
    expected_words, expected = row.parse(fetch(row.source, row.name))
    assert words == expected_words
    assert table.dtype == np.float32
    assert (len(words), table.shape) == (400_000, (400_000, 50))
    np.testing.assert_array_equal(table, expected)
    places = {w: i for i, w in enumerate(words)}

    def cosine(a, b):
        a, b = table[places[a]], table[places[b]]
        return a @ b / np.sqrt((a @ a) * (b @ b))

    assert cosine("king", "queen") > cosine("king", "cabbage")


def test_unknown_corpora_are_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"unknown corpus 'rotten-tomatos'; did you mean 'rotten-tomatoes'\?"):
        find_corpus("rotten-tomatos")
    with pytest.raises(UserError, match="unknown vectors 'glove'; known: glove-6b-50d"):
        load_vectors("glove")


MAIL = b"""From: a@b.c
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= and more
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="x"

--x
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

caf=E9
--x
Content-Type: text/html; charset=no-such-charset

<html><style>p {}</style><p>Two &amp; <b>three</b></p></html>
--x
Content-Type: image/png
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--x--
"""


def test_an_e_mail_is_its_subject_and_its_text():
    subject, plain, html = (" ".join(p.split()) for p in re.split(r"\n+", parsers.email_text(MAIL), maxsplit=2))
    assert (subject, plain, html) == ("Grüße and more", "café", "Two & three")


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\xff\xfe\0",
        b"Subject: =?no-such?q?x?=\n\nbody",
        b"Subject: \xe9\n\n\xe9",
        b"Content-Type: multipart/mixed\n\nbody",
        b"Content-Transfer-Encoding: base64\n\n!!!",
        b'Content-Type: text/plain; charset="\n\nx',
    ],
)
def test_broken_e_mails_are_read_as_far_as_they_go(mail):
    parsers.email_text(mail).encode()  # no lone surrogates
