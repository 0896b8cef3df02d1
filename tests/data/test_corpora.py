"""The corpora: what the catalogue counted is there, clean, split as the docstring says, and quickly read again."""

import re

import numpy as np
import pytest

from lingon.core.errors import UserError
from lingon.data.corpora import CORPORA, VECTORS, find, load, load_vectors, parsers
from lingon.data.corpora.load import load as documented
from lingon.data.fetch import fetch
from lingon.data.split import key_of

# What the packages hold, counted when they were put into the catalogue.
COUNTS = {
    "imdb": {"negative": 12_500, "positive": 12_500},
    "rotten-tomatoes": {"negative": 4_265, "positive": 4_265},
    "spam-assassin": {"ham": 4_150, "spam": 1_896},
}
TOTALS = {"vader-tweets": 4_200, "vader-movies": 10_605, "vader-amazon": 3_708, "vader-nyt": 5_190}


@pytest.mark.data
@pytest.mark.parametrize("name", [*COUNTS, *TOTALS])
def test_the_packages_hold_what_was_counted(name):
    row = CORPORA[name]
    found = row.parse(fetch(row.package, name))
    assert len(found) == TOTALS.get(name, len(found))
    assert found.label_counts() == COUNTS.get(name, found.label_counts())


@pytest.mark.data
@pytest.mark.parametrize("name", CORPORA)
def test_every_corpus_is_clean_and_divided(name):
    splits = load(name)
    texts = splits.all().texts
    assert len({key_of(t) for t in texts}) == len(texts)  # no text twice, and so none on two sides
    assert all(t.strip() for t in texts)
    assert not any("\0" in t for t in texts)
    assert name == "spam-assassin" or not any("<br" in t for t in texts)  # some mails call their HTML plain text
    shares = [len(part) / len(texts) for part in (splits.train, splits.valid, splits.test)]
    assert shares == pytest.approx([0.72, 0.08, 0.2], abs=0.03)
    labels = splits.train.label_counts()
    assert len(labels) > 1
    assert labels.keys() == splits.valid.label_counts().keys() == splits.test.label_counts().keys()
    assert splits.source["sha256"] == splits.all().checksum()


@pytest.mark.data
def test_the_split_of_imdb_is_the_documented_one():
    splits = load("imdb")
    said = [int(n.replace(",", "")) for n in re.findall(r"\d+,\d+", documented.__doc__)]
    parts = [len(splits.train), len(splits.valid), len(splits.test)]
    assert said == [25_000, sum(parts), *parts]


@pytest.mark.data
def test_ratings_decide_the_labels():
    tweets = load("vader-tweets").all()
    assert min(tweets.ratings) >= -4
    assert max(tweets.ratings) <= 4
    for rating, label in zip(tweets.ratings, tweets.labels, strict=True):
        assert label == ("negative" if rating < -0.5 else "positive" if rating > 0.5 else "neutral")


@pytest.mark.data
def test_read_again_from_the_cache_a_corpus_is_the_same_and_a_damaged_cache_is_mended(tmp_path, monkeypatch):
    packages = fetch(CORPORA["wiki-topics-es"].package).parent
    monkeypatch.setenv("LINGON_CACHE", str(tmp_path))
    (tmp_path / "packages").symlink_to(packages)
    first = load("wiki-topics-es")
    (kept,) = (tmp_path / "corpora").iterdir()
    assert load("wiki-topics-es") == first
    kept.write_bytes(kept.read_bytes()[:-99])
    assert load("wiki-topics-es") == first


@pytest.mark.data
def test_the_vectors_are_those_of_the_package():
    row = VECTORS["glove-6b-50d"]
    words, table = load_vectors("glove-6b-50d")
    expected_words, expected = row.parse(fetch(row.package, row.name))
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
        find("rotten-tomatos")
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
