"""Contrastive search against its formula, and the score of a text against sums of its own."""

import math

import pytest
import torch

from lingon.core.errors import NotFinite, UserError
from lingon.decoding.contrastive import contrastive_search
from lingon.decoding.decoder_protocol import start_sequences
from lingon.decoding.logits_processors import temperature
from lingon.decoding.score_tokens import CHUNK_SIZE, token_logprobs
from tests.decoding.toy import Toy


class Seen(Toy):
    """A toy whose hidden state is its logits."""

    def hidden(self, ids, state):
        return self.every(ids, state)


def text(toy, prompt, most, **more):
    (row,) = start_sequences([prompt])
    for _ in contrastive_search(
        toy.hidden, lambda h: h, toy.begin([None]), row, lambda row: len(row.new_ids) == most, **more
    ):
        pass
    return row.new_ids


def slow(toy, prompt, most, k, alpha, heat=1.0):
    ids = list(prompt)
    while len(ids) < len(prompt) + most:
        chances = (toy.logits(ids) / heat).softmax(0).tolist()
        before = [toy.logits(ids[: i + 1]) for i in range(len(ids))]

        def value(token, ids=ids, chances=chances, before=before):
            new = toy.logits([*ids, token])
            likest = max((new @ old / (new.norm() * old.norm())).item() for old in before)
            return (1 - alpha) * chances[token] - alpha * likest

        ids.append(max(sorted(range(toy.size), key=lambda t: -chances[t])[:k], key=value))
    return ids[len(prompt) :]


@pytest.mark.parametrize(("k", "alpha"), [(1, 0.6), (3, 0.0), (3, 0.6), (5, 0.3), (50, 0.9)])
def test_it_takes_what_the_formula_says(k, alpha):
    for seed in range(5):
        toy = Seen(11, seed)
        assert text(toy, [1, 2], 9, k=k, alpha=alpha) == slow(toy, [1, 2], 9, k, alpha)
    assert text(toy, [1, 2], 9, k=4, logits_processors=[temperature(3)]) == slow(toy, [1, 2], 9, 4, 0.6, 3)


def test_alpha_of_nought_is_greedy_and_another_is_not():
    toy = Seen(11)
    greedy = slow(toy, [1], 9, 1, 0)
    assert text(toy, [1], 9, alpha=0.0) == greedy
    assert text(toy, [1], 9, alpha=0.6) != greedy


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"k": 0}, "chooses among 0 candidate tokens"),
        ({"alpha": 1.5}, "1.5, expected a number from 0 to 1"),
        ({"alpha": math.nan}, "nan"),
    ],
)
def test_wrong_numbers_are_refused(wrong, message):
    with pytest.raises(UserError, match=message):
        text(Seen(5), [1], 3, **wrong)


class Pairs(Toy):
    """A toy that looks at the last two tokens alone, for long texts."""

    def logits(self, history):
        return super().logits(history[-2:])


def test_a_text_has_the_score_that_the_chain_rule_gives():
    toy = Pairs(7)
    generator = torch.Generator().manual_seed(3)
    for length in (1, 2, CHUNK_SIZE, CHUNK_SIZE + 1, CHUNK_SIZE + 2, 2 * CHUNK_SIZE + 5):
        ids = torch.randint(7, (length,), generator=generator).tolist()
        found = token_logprobs(toy.every, toy.begin([None]), ids)
        assert found == pytest.approx([toy.logprob(ids[:i], [ids[i]]) for i in range(1, length)], abs=1e-5)


def test_a_broken_model_is_told():
    toy = Toy(3)
    toy.known[1,] = torch.tensor([0.0, math.nan, 0.0])
    with pytest.raises(NotFinite, match="its weights are broken"):
        token_logprobs(toy.every, toy.begin([None]), [1, 2])
