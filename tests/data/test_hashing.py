"""Hashed n-grams: against arithmetic by hand, sets of Python, and the torch path."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lingon.core.errors import UserError
from lingon.data.hashing import (
    CHAIN,
    LOW,
    MIX_1,
    MIX_2,
    TEXT_BITS,
    Spelling,
    fnv1a,
    occurrences,
    set_sizes,
    sorted_keys,
    spell,
    subwords,
)

VOCAB, BUCKETS = 11, 64
WRAP = (1 << 64) - 1


def mix(x: int) -> int:
    x = ((x ^ x >> 27) * MIX_1) & WRAP
    x = ((x ^ x >> 33) * MIX_2) & WRAP
    return x ^ x >> 27


def rows_by_hand(ids: list[int], order: int) -> set[int]:
    """The rows of a text, in plain whole numbers without a limit."""
    rows = set(ids)
    for n in range(2, order + 1):
        for i in range(len(ids) - n + 1):
            chain = 0
            for word in reversed(ids[i : i + n]):
                chain = (chain * CHAIN + mix(word + 1)) & WRAP
            rows.add(VOCAB + mix(chain) % BUCKETS)
    return rows


def flat(texts: list[list[int]]):
    ids = torch.tensor([i for text in texts for i in text], dtype=torch.int64)
    return ids, torch.tensor([len(text) for text in texts], dtype=torch.int64)


def test_fnv1a_is_fasttexts():
    assert fnv1a(b"<te") == 1669484008
    assert fnv1a(b"") == 2166136261


def test_fnv1a_takes_bytes_as_signed():
    # One byte over 127, by hand: xor with 0xFFFFFFE9, not with 0xE9, then times the prime, in 32 bits.
    assert fnv1a(b"\xe9") == ((2166136261 ^ 0xFFFFFFE9) * 16777619) % 2**32


def test_subwords_of_where():
    assert subwords("where", 3, 6)[:5] == ["<wh", "whe", "her", "ere", "re>"]
    assert len(subwords("where", 3, 6)) == 5 + 4 + 3 + 2


def test_subwords_count_characters_not_bytes():
    assert subwords("né", 3, 4) == ["<né", "né>", "<né>"]


def test_subwords_refuses_impossible_lengths():
    with pytest.raises(UserError, match="5 to 3"):
        subwords("where", 5, 3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, VOCAB - 1), max_size=13), min_size=1, max_size=5), st.integers(1, 4))
def test_sorted_keys_are_the_sets_by_hand(texts, order):
    keys = sorted_keys(*flat(texts), order, VOCAB, BUCKETS).tolist()
    assert keys == sorted(row << TEXT_BITS | b for b, text in enumerate(texts) for row in rows_by_hand(text, order))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, VOCAB - 1), max_size=13), min_size=1, max_size=5),
    st.integers(1, 4),
    st.booleans(),
)
def test_compiled_and_torch_paths_are_equal(texts, order, spelled):
    spelling = spell([f"word{'x' * i}" for i in range(VOCAB)], 3, 5) if spelled else None
    found = sorted_keys(*flat(texts), order, VOCAB, BUCKETS, spelling)
    slow = torch.unique(occurrences(*flat(texts), order, VOCAB, BUCKETS, spelling)[0])
    assert found.tolist() == slow.tolist()
    sizes = set_sizes(found, len(texts))
    assert sizes.tolist() == [sum(k & LOW == b for k in found.tolist()) for b in range(len(texts))]


def test_occurrences_say_where_each_ngram_stands():
    _, ends, widths = occurrences(*flat([[3, 4, 5], [7]]), 3, VOCAB, BUCKETS)
    found = sorted(zip(ends.tolist(), widths.tolist(), strict=True))
    assert found == [(0, 1), (1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 1)]


def test_characters_of_a_word_are_rows_of_its_text():
    spelling = spell(["[pad]", "[unk]", "where"], 3, 3)
    keys = sorted_keys(*flat([[1], [2]]), 1, 3, BUCKETS, spelling)
    rows = {3 + fnv1a(s.encode()) % BUCKETS for s in ("<wh", "whe", "her", "ere", "re>")} | {2}
    assert keys.tolist() == sorted([1 << TEXT_BITS, *(row << TEXT_BITS | 1 for row in rows)])


def test_special_tokens_and_monsters_have_no_spelling():
    spelling = spell(["[pad]", "a", "x" * 61, "[]"], 3, 3)
    assert isinstance(spelling, Spelling)
    assert spelling.starts.diff().tolist() == [0, 1, 0, 2]
