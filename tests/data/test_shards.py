"""Token streams on disk: the same tokens as encoding in one go, builds that go on, files that are not shards."""

import json
from itertools import islice

import numpy as np
import pytest

from lingon.core.errors import DataError, UserError
from lingon.data.shards import Stream, build_shards
from lingon.data.tokenizers import characters, words

DOCUMENTS = [f"document {i} has {'many ' * (i % 7)}words" for i in range(101)]
END = 1


@pytest.fixture(scope="module")
def tokenizer():
    return words(DOCUMENTS)


def flat(tokenizer):
    return [i for text in DOCUMENTS for i in [*tokenizer.encode(text), END]]


@pytest.mark.parametrize("shard_tokens", [13, 97, 10**6])
def test_a_stream_is_the_tokens_of_all_documents(tmp_path, tokenizer, monkeypatch, shard_tokens):
    monkeypatch.setattr("lingon.data.shards.AT_ONCE", 31)
    stream = build_shards(tmp_path / "s", iter(DOCUMENTS), tokenizer, END, shard_tokens)
    expected = flat(tokenizer)
    assert (len(stream), stream.documents, stream.bytes) == (len(expected), 101, len("".join(DOCUMENTS)))
    assert stream[:].tolist() == expected
    for a, b in [(0, 1), (5, 5), (11, 313), (300, 10**9)]:
        assert stream[a:b].tolist() == expected[a:b]
    assert stream.document(7).tolist() == [*tokenizer.encode(DOCUMENTS[7]), END]
    assert len(list((tmp_path / "s").glob("*.tokens"))) > (1 if shard_tokens < 100 else 0)


def test_a_stopped_build_goes_on_with_the_next_document(tmp_path, tokenizer, monkeypatch):
    monkeypatch.setattr("lingon.data.shards.AT_ONCE", 31)

    def stopped():
        yield from islice(DOCUMENTS, 50)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_shards(tmp_path / "s", stopped(), tokenizer, END, 29)
    done = json.loads((tmp_path / "s" / "index.json").read_text())["documents"]
    assert 0 < done < 50
    with pytest.raises(UserError, match="unfinished shards"):
        Stream(tmp_path / "s")
    assert build_shards(tmp_path / "s", iter(DOCUMENTS), tokenizer, END, 29)[:].tolist() == flat(tokenizer)


def test_another_tokenizer_does_not_get_old_shards(tmp_path, tokenizer):
    build_shards(tmp_path / "s", DOCUMENTS, tokenizer)
    with pytest.raises(UserError, match="another tokenizer"):
        build_shards(tmp_path / "s", DOCUMENTS, characters(DOCUMENTS))


def test_nothing_to_encode_is_refused(tmp_path, tokenizer):
    with pytest.raises(UserError, match="no text to encode"):
        build_shards(tmp_path / "s", [], tokenizer)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "00000.tokens").unlink(), "00000.tokens: missing"),
        (lambda f: (f / "00000.tokens").write_bytes(b"abc"), "3 bytes, the index says"),
        (lambda f: (f / "index.json").write_text("[]"), "not an index of shards"),
        (lambda f: (f / "index.json").write_text('{"format": 1}'), "key 'made_of'"),
    ],
)
def test_broken_shards_are_named(tmp_path, tokenizer, change, message):
    build_shards(tmp_path / "s", DOCUMENTS, tokenizer)
    change(tmp_path / "s")
    with pytest.raises(DataError, match=message):
        Stream(tmp_path / "s")


def test_large_vocabularies_take_four_bytes(tmp_path):
    tokenizer = words([" ".join(f"w{i}" for i in range(70_000))])
    stream = build_shards(tmp_path / "s", ["w69999 w0 w69998"], tokenizer)
    assert stream[:].tolist() == tokenizer.encode("w69999 w0 w69998")
    assert max(stream[:]) > np.iinfo(np.uint16).max
