"""Two tokens, one row, more asked for than there is: what is left of decoding at its edges, against enumeration."""

from collections import Counter

import pytest
from scipy.stats import chisquare

from lingon.decoding.beam import beam_search
from lingon.decoding.beam_params import BeamParams
from lingon.decoding.decoder_protocol import start_sequences
from lingon.decoding.logits_processors import exactly_top_k, min_p, top_k, top_p, typical_p
from lingon.decoding.prefill import read
from lingon.decoding.sample import multinomial, sample
from lingon.decoding.speculative import Acceptance, CachedModel, speculative_decode
from tests.decoding.toy import Toy, chances

RULES = {
    "none": (),
    "top_k beyond": (top_k(50), exactly_top_k(3)),
    "all of it": (top_p(1), typical_p(1), min_p(0)),
}


@pytest.mark.parametrize("logits_processors", RULES)
def test_two_tokens_are_drawn_as_often_as_the_model_says(logits_processors):
    toy, count = Toy(2, seed=1), 2000
    rows, wanted = start_sequences([[1]] * count, seed=5), chances(toy, [1], 2)
    for _ in sample(
        toy.step,
        *read(toy, [[1]] * count),
        rows,
        multinomial,
        RULES[logits_processors],
        lambda r: len(r.new_ids) == 2,
    ):
        pass
    counts = Counter(tuple(row.new_ids) for row in rows)
    assert chisquare([counts[text] for text in wanted], [count * p for p in wanted.values()]).pvalue > 0.001


@pytest.mark.parametrize("width", [16, 17, 50])
def test_beams_beyond_all_texts_are_all_texts(width):
    for seed in range(10):
        toy = Toy(2, seed)
        wanted = dict(toy.texts([1], 4))
        found = beam_search(
            toy.step, *read(toy, [[1]]), start_sequences([[1]]), BeamParams(width, 4, length_penalty=0.0, n=width)
        )[0]
        assert [text.ids for text in found] == sorted(wanted, key=wanted.get, reverse=True)
        assert [text.logprob for text in found] == pytest.approx(sorted(wanted.values(), reverse=True), abs=1e-5)


def test_a_draft_that_is_the_target_itself_is_always_kept():
    """One object for both, which keeps nothing of the other's state."""
    toy, acceptance = Toy(2, seed=3), Acceptance()
    for row in start_sequences([[1], [0, 1], [1]], seed=2):
        readers = CachedModel(toy.every, toy.begin([None])), CachedModel(toy.every, toy.begin([None]))
        assert len(list(speculative_decode(*readers, row, 11, num_speculative_tokens=50, acceptance=acceptance))) == 11
    assert acceptance.accepted == acceptance.drafted == 30  # all but the last of each, which the target gives
