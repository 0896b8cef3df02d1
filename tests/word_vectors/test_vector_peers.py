"""Against fastText and gensim themselves, in environments of their own: what one writes, the other reads."""

import random

import numpy as np
import pytest

from benchmarks.environments import python_of
from benchmarks.worker import Worker
from lingon.core.errors import FetchError
from lingon.word_vectors.files import load_fasttext, load_vector_file, save_fasttext, save_vector_file
from lingon.word_vectors.queries import WordVectors

pytestmark = pytest.mark.long
KNOWN = ["the", "café", "日本語", "naïve", "x", "where", "here", "running", "Übermut", "123", "а", "при", "don't", "𝔘"]
UNSEEN = ["unseen", "hé", "日本", "y", "𝔘𝔘", "with space", "<b>", "zzzzzzzzzzzz", "</s>"]


def worker_of(program, peer):
    try:
        python_of(peer)
    except FetchError as error:
        pytest.skip(f"the environment of {peer} cannot be made here: {error}")
    return Worker(program, peer)


@pytest.fixture(scope="module")
def fasttext():
    with worker_of("fasttext_vectors", "fasttext") as worker:
        yield worker


@pytest.fixture(scope="module")
def gensim():
    with worker_of("gensim_vectors", "gensim") as worker:
        yield worker


@pytest.mark.parametrize("kind", ["skip-gram", "cbow", "no-subwords", "tree", "supervised"])
def test_vectors_of_fasttext_are_the_same_bits(kind, fasttext, tmp_path):
    draw, text, path = random.Random(0), tmp_path / "text", tmp_path / "m.bin"
    label = "__label__{} " if kind == "supervised" else ""
    lines = [label.format(i % 2) + " ".join(draw.choices(KNOWN, k=11)) for i in range(170)]
    text.write_text("\n".join(lines) + "\n", encoding="utf-8")
    fasttext.ask("make", {"kind": kind, "text": str(text), "path": str(path)})
    again = tmp_path / "again.bin"
    save_fasttext(again, load_fasttext(path))
    assert again.read_bytes() == path.read_bytes()
    theirs = fasttext.ask("ask", {"path": str(again), "words": KNOWN + UNSEEN})
    ours = WordVectors.open(path)
    assert list(ours) == theirs["known"]
    for word, expected in zip(KNOWN + UNSEEN, np.array(theirs["vectors"], np.float32), strict=True):
        if word in ours or kind != "no-subwords":
            np.testing.assert_array_equal(ours[word], expected, err_msg=word)
        else:
            assert ours.get(word) is None  # they give zeros, which is our rule `zero_vector`
            assert not expected.any()


def test_gensim_reads_what_we_write(gensim, tmp_path):
    table = np.random.default_rng(0).standard_normal((len(KNOWN), 3)).astype(np.float32)
    save_vector_file(tmp_path / "v.bin", KNOWN, table)
    theirs = gensim.ask("start", {"path": str(tmp_path / "v.bin")}) and gensim.ask("table")
    assert theirs["words"] == KNOWN
    np.testing.assert_array_equal(np.array(theirs["table"], np.float32), table)


def test_we_read_what_gensim_writes(gensim, tmp_path):
    theirs = gensim.ask("own", {"path": str(tmp_path / "v"), "text": " ".join(KNOWN)})
    for ending in (".bin", ".txt"):
        ours = load_vector_file(tmp_path / f"v{ending}")
        assert list(ours.words) == theirs["words"]
        np.testing.assert_allclose(ours.table, np.array(theirs["table"], np.float32), rtol=1e-6)
