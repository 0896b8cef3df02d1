"""Texts in which phrases must stand: against the enumeration of all texts, and what narrow beams keep."""

import pytest
import torch

from lingon.core.errors import UserError
from lingon.decoding.beam import beam_search
from lingon.decoding.beam_params import BeamParams
from lingon.decoding.constrained_beam import constrained_beam_search
from lingon.decoding.decoder_protocol import TokenSequence
from lingon.decoding.phrases import Phrase, progress
from lingon.decoding.prefill import read
from tests.decoding.toy import Toy

EOS = 0
PHRASES = {
    "one token": [Phrase(((3,),))],
    "two tokens": [Phrase(((3, 2),))],
    "two phrases": [Phrase(((3, 2),)), Phrase(((4,),))],
    "that overlap": [Phrase(((1, 2),)), Phrase(((2, 3),))],
    "either of two": [Phrase(((1, 1), (2, 3)))],
    "of other lengths": [Phrase(((2,), (3, 3, 1)))],
    "another at the start": [Phrase(((3, 2),), ((1, 2),))],
    "again": [Phrase(((1, 1, 2),))],
}


def search(toy, phrases, beams, length=4, n=3, **more):
    logits, state = read(toy, [[1]])
    row = TokenSequence([1], 1)
    return constrained_beam_search(
        toy.step, logits, state, row, phrases, BeamParams(beams, length, n=n), (EOS,), **more
    )


def holds(text, phrase):
    """Whether a text holds a phrase, by looking everywhere."""
    at = lambda i, way: text[i : i + len(way)] == way
    first = phrase.at_start or phrase.ways
    return any(at(0, way) for way in first) or any(at(i, way) for i in range(1, len(text)) for way in phrase.ways)


@pytest.mark.parametrize("name", PHRASES)
def test_wide_beams_find_the_best_of_all_texts_that_hold_the_phrases(name):
    phrases = PHRASES[name]
    for seed in range(2):
        toy = Toy(4 if len(phrases) == 1 else 5, seed=(seed, name), spread=1.5)
        every = [(logprob / ((5 + len(text)) / 6) ** 0.6, text) for text, logprob in toy.texts([1], 4, (EOS,))]
        wanted = sorted((one for one in every if all(holds(one[1], p) for p in phrases)), reverse=True)[:3]
        found = search(toy, phrases, toy.size**4)
        assert [one.ids for one in found] == [text for _, text in wanted]
        assert [one.score for one in found] == pytest.approx([score for score, _ in wanted], abs=1e-5)
        assert [one.ended for one in found] == [text[-1] == EOS for _, text in wanted]


@pytest.mark.parametrize("beams", [1, 2, 5])
@pytest.mark.parametrize("name", PHRASES)
def test_narrow_beams_never_lose_a_phrase(name, beams):
    for seed in range(2):
        toy = Toy(5, seed=(seed, "narrow"), spread=3.0)
        for one in search(toy, PHRASES[name], beams, length=7, n=1):
            assert all(holds(one.ids, phrase) for phrase in PHRASES[name])
            assert one.logprob == pytest.approx(toy.logprob([1], one.ids), abs=1e-5)


def test_without_phrases_nothing_is_lost_that_beam_search_finds():
    """The beams are the same; only beam search passes over ends that are not among as many best as it has beams."""
    for seed in range(5):
        toy = Toy(7, seed=(seed, "none"), spread=2.0)
        logits, state = read(toy, [[1]])
        params = BeamParams(3, 6, n=2)
        (wanted,) = beam_search(toy.step, logits, state, [TokenSequence([1], 1)], params, (EOS,))
        found = search(toy, [], 3, length=6, n=2)
        assert all(one.score >= other.score - 1e-9 for one, other in zip(found, wanted, strict=True))


def test_what_cannot_be_is_said():
    with pytest.raises(UserError, match="no text of at most 2 tokens has all 1 phrases, 3 tokens of them"):
        search(Toy(5), [Phrase(((1, 2, 3),))], 4, length=2)
    with pytest.raises(UserError, match="has no token"):
        Phrase(((),))
    forbid = lambda logits, rows: logits.index_fill(1, torch.tensor([3]), -torch.inf)
    with pytest.raises(UserError, match="no text of at most 4 tokens"):
        search(Toy(5), [Phrase(((3,),))], 4, logits_processors=[forbid])


def test_how_far_a_text_is():
    phrase = Phrase(((1, 1, 2),))
    assert progress([phrase], []).left == 3
    assert progress([phrase], [4, 1]).left == 2
    assert progress([phrase], [1, 1, 1]).left == 1  # the last two begin it
    assert progress([phrase], [1, 1, 1]).following == {1, 2}
    assert progress([phrase], [1, 1, 2, 4]).left == 0
    at_start = Phrase(((3, 2),), ((4, 2),))
    assert progress([at_start], []).following == {4}
    assert progress([at_start], [3]).following == {3}
    assert at_start.stands_in([4, 2])
    assert not at_start.stands_in([3, 2])
    assert at_start.stands_in([1, 3, 2])
