"""The vocabulary: ids in a fixed order, and errors that name the token."""

import pytest

from lingon.core.errors import UserError
from lingon.data.tokenizers.vocab import Vocab


def test_order_is_specials_then_frequency_then_alphabet():
    vocab = Vocab.from_counts({"b": 3, "a": 3, "z": 7, "rare": 1})
    assert list(vocab) == ["[pad]", "[unk]", "z", "a", "b", "rare"]
    assert [vocab[t] for t in vocab] == list(range(6))
    assert [vocab.token(i) for i in range(6)] == list(vocab)


def test_limits():
    counts = {"a": 5, "b": 3, "c": 2, "d": 1}
    assert list(Vocab.from_counts(counts, min_freq=2)) == ["[pad]", "[unk]", "a", "b", "c"]
    assert list(Vocab.from_counts(counts, max_size=3)) == ["[pad]", "[unk]", "a"]
    assert list(Vocab.from_counts(counts, min_freq=3, specials=())) == ["a", "b"]
    assert list(Vocab.from_counts({"[pad]": 9, "a": 1})) == ["[pad]", "[unk]", "a"]
    with pytest.raises(UserError, match="min_freq is 0"):
        Vocab.from_counts(counts, min_freq=0)
    with pytest.raises(UserError, match="max_size is 1, but there are 2 special"):
        Vocab.from_counts(counts, max_size=1)


def test_unknown_token():
    vocab = Vocab(["[pad]", "[unk]", "film"])
    assert vocab["flim"] == 1
    assert "flim" not in vocab
    assert "film" in vocab
    with pytest.raises(KeyError, match=r"token 'flim' is not among the 1 .* did you mean 'film'"):
        Vocab(["film"], unknown=None)["flim"]


def test_refusals():
    with pytest.raises(UserError, match="'a' is in the vocabulary twice"):
        Vocab(["a", "b", "a"], unknown=None)
    with pytest.raises(UserError, match=r"lacks its unknown token '\[unk\]'"):
        Vocab(["a"])
    for wrong in (-1, 2):
        with pytest.raises(UserError, match=f"id {wrong} is outside .* 0 to 1"):
            Vocab(["a", "b"], unknown=None).token(wrong)


def test_equal_by_value():
    assert Vocab(["a"], unknown=None) == Vocab(["a"], unknown=None)
    assert Vocab(["a"], unknown=None) != Vocab(["a"], unknown="a")
