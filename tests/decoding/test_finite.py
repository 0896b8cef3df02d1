"""A model that says NaN or infinity gives no answer, also where a rule forbids the token that it says it of."""

import math

import pytest
import torch

from lingon.core.errors import NotFinite
from lingon.decoding.beam import beam_search
from lingon.decoding.beam_params import BeamParams
from lingon.decoding.decoder_protocol import start_sequences
from lingon.decoding.logits_processors import logit_bias
from lingon.decoding.prefill import read
from lingon.decoding.sample import sample
from lingon.decoding.score_tokens import score_tokens, token_logprobs
from lingon.decoding.speculative import CachedModel, speculative_decode
from tests.decoding.toy import Toy


def broken(value):
    """After token 1, token 4 has this logit."""
    toy = Toy(5)
    toy.known[1,] = torch.tensor([0.0, 1.0, 2.0, 0.5, value])
    return toy


FORBIDDEN = [logit_bias({4: -math.inf})]
WAYS = {
    "stream": lambda toy, rows: list(
        sample(toy.step, *read(toy, [[1]]), rows, logits_processors=FORBIDDEN, top_logprobs=2)
    ),
    "beams": lambda toy, rows: beam_search(
        toy.step, *read(toy, [[1]]), rows, BeamParams(2, 3), logits_processors=FORBIDDEN
    ),
    "drafts": lambda toy, rows: list(
        speculative_decode(
            CachedModel(toy.every, toy.begin([None])),
            CachedModel(Toy(5).every, toy.begin([None])),
            rows[0],
            3,
            FORBIDDEN,
        )
    ),
    "score": lambda toy, rows: token_logprobs(toy.every, toy.begin([None]), [1, 2, 3]),
    "replay": lambda toy, rows: score_tokens(toy.every, toy.begin([None]), [1, 2, 3], logits_processors=FORBIDDEN),
}


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_not_finite_is_no_answer(way, value):
    with pytest.raises(NotFinite, match="the model gave logits that are NaN or infinite"):
        WAYS[way](broken(value), start_sequences([[1]]))


def test_a_token_of_no_probability_has_no_score():
    with pytest.raises(NotFinite, match="the model gave token 1 of the text a logit that is -inf"):
        token_logprobs(broken(-math.inf).every, Toy(5).begin([None]), [1, 4])
    assert all(map(math.isfinite, token_logprobs(broken(-math.inf).every, Toy(5).begin([None]), [1, 2])))
