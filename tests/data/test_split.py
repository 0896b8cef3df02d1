"""Splits: fixed by the texts, stratified, the same in every process."""

import hashlib
import os
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingon.data.examples import Examples
from lingon.data.split import hash_split, stratified_split, without_duplicates

TEXTS = [f"text {i}" for i in range(1009)]
MANY = Examples(TEXTS, [str(i % 7) for i in range(1009)])


def by_hand(text):
    share = int(hashlib.sha256(text.encode()).hexdigest()[:16], 16) / 16**16
    return "test" if share < 0.2 else "valid" if share < 0.28 else "train"


def test_the_hash_of_a_text_decides_where_it_goes():
    for part, name in zip(hash_split(MANY), ("train", "valid", "test"), strict=True):
        assert part.texts == [t for t in TEXTS if by_hand(t) == name]


def test_a_text_never_moves_when_others_come_or_go():
    whole, fewer = hash_split(MANY), hash_split(MANY[::3])
    for part, smaller in zip(whole, fewer, strict=True):
        assert set(smaller.texts) == set(part.texts) & set(TEXTS[::3])


def test_duplicates_are_one_and_contradictions_are_left_out():
    texts = ["a  b", "a\nb", "caf\u00e9", "cafe\u0301", "both", "both ", "c"]
    found = without_duplicates(Examples(texts, list("xxyyxyz"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]))
    assert found == Examples(["a  b", "caf\u00e9", "c"], ["x", "y", "z"], [1.0, 3.0, 7.0])


@given(st.lists(st.tuples(st.sampled_from("abcdefghijk"), st.sampled_from("xyz")), max_size=60), st.integers(0, 9))
def test_every_label_keeps_its_share(pairs, seed):
    examples = Examples([t for t, _ in pairs], [x for _, x in pairs])
    stay, cut = stratified_split(examples, 0.2, seed, "test")
    assert Counter(zip(stay.texts + cut.texts, stay.labels + cut.labels, strict=True)) == Counter(pairs)
    assert not set(zip(stay.texts, stay.labels, strict=True)) & set(zip(cut.texts, cut.labels, strict=True))
    for label in {x for _, x in pairs}:
        assert label in stay.labels
        assert (label in cut.labels) == (len({t for t, x in pairs if x == label}) > 1)


def test_shares_of_different_texts_are_exact():
    stay, cut = stratified_split(MANY, 0.2, 3, "test")
    for label, count in MANY.label_counts().items():
        assert cut.label_counts()[label] == round(0.2 * count)
    assert stay.texts == [t for t in TEXTS if t not in set(cut.texts)]  # each in the order it had


@pytest.mark.parametrize("other", [{"seed": 4}, {"purpose": "valid"}], ids=["seed", "purpose"])
def test_seed_and_purpose_give_another_cut(other):
    same = {"seed": 3, "purpose": "test"}
    first = stratified_split(MANY, 0.2, **same)[1]
    assert first == stratified_split(MANY, 0.2, **same)[1]
    assert first != stratified_split(MANY, 0.2, **(same | other))[1]


def test_the_order_of_the_rows_does_not_matter():
    backwards = MANY[::-1]
    assert set(stratified_split(MANY, 0.2, 3, "test")[1].texts) == set(
        stratified_split(backwards, 0.2, 3, "test")[1].texts
    )


def test_every_process_cuts_the_same():
    program = (
        "from lingon.data.examples import Examples; from lingon.data.split import *\n"
        "e = Examples([f't{i}' for i in range(101)], [str(i % 3) for i in range(101)])\n"
        "print([x.checksum() for x in (*stratified_split(e, .2, 5, 'test'), *hash_split(e))])"
    )
    said = {
        subprocess.check_output([sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in ("0", "1", "4711")
    }
    assert len(said) == 1
