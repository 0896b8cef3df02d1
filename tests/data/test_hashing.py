"""Hashed n-grams: against arithmetic by hand, counters of Python, and the torch path."""

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lingon.core.errors import UserError
from lingon.data.hashing import (
    CHAIN,
    MIX_1,
    MIX_2,
    TEXT_BITS,
    Spelling,
    fnv1a,
    occurrences,
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


def rows_by_hand(ids: list[int], order: int, words: list[str] | None = None) -> Counter[int]:
    """How often each row stands in a text, in plain whole numbers without a limit. words: with pieces of 3 to 5."""
    rows = Counter(ids)
    for n in range(2, order + 1):
        for i in range(len(ids) - n + 1):
            chain = 0
            for word in reversed(ids[i : i + n]):
                chain = (chain * CHAIN + mix(word + 1)) & WRAP
            rows[VOCAB + mix(chain) % BUCKETS] += 1
    for i in ids if words else []:
        rows.update(VOCAB + piece % BUCKETS for piece in {fnv1a(s.encode()) for s in subwords(words[i], 3, 5)})
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


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(max_size=9) | st.sampled_from(["[pad]", "[]", "x" * 61, "aaaa"]), max_size=7), st.integers(1, 3)
)
def test_a_word_is_spelled_by_the_hashes_of_its_subwords(tokens, shortest):
    found = spell(tokens, shortest, shortest + 2)
    for i, token in enumerate(tokens):
        special = len(token) > 60 or token == "[pad]" or (len(token) > 2 and token[0] + token[-1] == "[]")
        pieces = [] if special else subwords(token, shortest, shortest + 2)
        row = found.hashes[found.starts[i] : found.starts[i + 1]].tolist()
        assert row == sorted({fnv1a(piece.encode()) for piece in pieces})
    assert len(found.hashes) == found.starts[-1]


def test_subwords_count_characters_not_bytes():
    assert subwords("né", 3, 4) == ["<né", "né>", "<né>"]


def test_subwords_refuses_impossible_lengths():
    with pytest.raises(UserError, match="5 to 3"):
        subwords("where", 5, 3)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, VOCAB - 1), max_size=13), min_size=1, max_size=5),
    st.integers(1, 4),
    st.booleans(),
)
def test_sorted_keys_are_the_counts_by_hand(texts, order, spelled):
    words = [f"word{'x' * i}" for i in range(VOCAB)] if spelled else None
    keys, counts = sorted_keys(*flat(texts), order, VOCAB, BUCKETS, spell(words, 3, 5) if words else None)
    expected = {
        row << TEXT_BITS | b: count
        for b, text in enumerate(texts)
        for row, count in rows_by_hand(text, order, words).items()
    }
    assert keys.tolist() == sorted(expected)
    assert counts.tolist() == [expected[key] for key in sorted(expected)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, VOCAB - 1), max_size=13), min_size=1, max_size=5),
    st.integers(1, 4),
    st.booleans(),
)
def test_compiled_and_torch_paths_are_equal(texts, order, spelled):
    spelling = spell([f"word{'x' * i}" for i in range(VOCAB)], 3, 5) if spelled else None
    keys, counts = sorted_keys(*flat(texts), order, VOCAB, BUCKETS, spelling)
    slow = torch.unique(occurrences(*flat(texts), order, VOCAB, BUCKETS, spelling)[0], return_counts=True)
    assert torch.equal(keys, slow[0])
    assert torch.equal(counts, slow[1])


def test_a_piece_counts_once_for_each_word_and_different_pieces_with_one_row_each():
    """Of "ababab" the pieces of two characters are <a, ab, ba, b>; "ab" and "ba" stand in it three and two times."""
    spelling = spell(["[pad]", "ababab"], 2, 2)
    keys, counts = sorted_keys(*flat([[1, 1], [1]]), 1, 2, 1 << 20, spelling)
    rows = sorted(2 + fnv1a(piece.encode()) % (1 << 20) for piece in ("<a", "ab", "ba", "b>"))
    assert keys.tolist() == [row << TEXT_BITS | text for row in [1, *rows] for text in (0, 1)]
    assert counts.tolist() == [2, 1] * 5
    keys, counts = sorted_keys(*flat([[1, 1], [1]]), 1, 2, 1, spelling)  # one bucket for all
    assert keys.tolist() == [row << TEXT_BITS | text for row in (1, 2) for text in (0, 1)]
    assert counts.tolist() == [2, 1, 8, 4]


def test_occurrences_say_where_each_ngram_stands():
    _, ends, widths = occurrences(*flat([[3, 4, 5], [7]]), 3, VOCAB, BUCKETS)
    found = sorted(zip(ends.tolist(), widths.tolist(), strict=True))
    assert found == [(0, 1), (1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 1)]


def test_characters_of_a_word_are_rows_of_its_text():
    spelling = spell(["[pad]", "[unk]", "where"], 3, 3)
    keys, _ = sorted_keys(*flat([[1], [2]]), 1, 3, BUCKETS, spelling)
    rows = {3 + fnv1a(s.encode()) % BUCKETS for s in ("<wh", "whe", "her", "ere", "re>")} | {2}
    assert keys.tolist() == sorted([1 << TEXT_BITS, *(row << TEXT_BITS | 1 for row in rows)])


def test_special_tokens_and_monsters_have_no_spelling():
    spelling = spell(["[pad]", "a", "x" * 61, "[]"], 3, 3)
    assert isinstance(spelling, Spelling)
    assert spelling.starts.diff().tolist() == [0, 1, 0, 2]
