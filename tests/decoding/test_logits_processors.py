"""Every rule against a slow definition of its own, against the frequencies of what is drawn, and with wrong numbers."""

import math
from random import Random

import pytest
import torch
from scipy.stats import chisquare

from lingon.core.errors import UserError
from lingon.decoding.decoder_protocol import TokenSequence, start_sequences
from lingon.decoding.logits_processors import (
    exactly_top_k,
    forced_token,
    logit_bias,
    min_p,
    no_repeat_ngram_size,
    repetition_penalty,
    temperature,
    top_k,
    top_p,
    typical_p,
)
from lingon.decoding.sample import multinomial

V = 11


def kept(logits):
    return [[i for i, x in enumerate(row) if x > -math.inf] for row in logits.tolist()]


def softmax(row):
    largest = max(row)
    grown = [math.exp(x - largest) for x in row]
    return [x / sum(grown) for x in grown]


def largest_first(score):
    return sorted(range(len(score)), key=lambda i: (-score[i], i))


def smallest_set(order, chances, mass):
    """By the definition: the shortest beginning of the order whose sum reaches the mass."""
    return sorted(next(order[:n] for n in range(1, len(order) + 1) if sum(chances[i] for i in order[:n]) >= mass))


def slow_top_k(row, k):
    return sorted(i for i in range(len(row)) if sum(x > row[i] for x in row) < k)


def slow_min_p(row, p):
    chances = softmax(row)
    return [i for i in range(len(row)) if chances[i] >= p * max(chances)]


def slow_typical(row, mass):
    chances = softmax(row)
    entropy = -sum(p * math.log(p) for p in chances)
    distance = [-abs(-math.log(p) - entropy) for p in chances]
    return smallest_set(largest_first(distance), chances, mass)


CUTS = {
    "top_k": (top_k, slow_top_k, [1, 3, 7, 11, 50]),
    "exactly_top_k": (exactly_top_k, lambda row, k: sorted(largest_first(row)[:k]), [1, 3, 7, 11, 50]),
    "top_p": (
        top_p,
        lambda row, p: smallest_set(largest_first(row), softmax(row), p),
        [1e-6, 0.1, 0.5, 0.9, 0.99],
    ),
    "min_p": (min_p, slow_min_p, [0.01, 0.1, 0.5, 0.9]),
    "typical": (typical_p, slow_typical, [1e-6, 0.2, 0.5, 0.95]),
}


@pytest.mark.parametrize("name", CUTS)
def test_what_is_kept_is_what_the_definition_keeps(name):
    make, slow, values = CUTS[name]
    logits = torch.randn(400, V, generator=torch.Generator().manual_seed(3)) * 2
    for value in values:
        cut = make(value)(logits)
        assert kept(cut) == [slow(row, value) for row in logits.tolist()]
        assert torch.equal(cut[cut > -torch.inf], logits[cut > -torch.inf])  # what is kept is not changed


@pytest.mark.parametrize("name", CUTS)
def test_a_large_vocabulary_is_cut_as_a_small_one(name):
    """Where the cut lies beyond the few tokens that are looked at first, and where it does not."""
    make, slow, values = CUTS[name]
    generator = torch.Generator().manual_seed(5)
    logits = torch.cat([torch.randn(2, 997, generator=generator) * s for s in (0.1, 5)])
    for value in (*values, 500 if "top_k" in name else 0.8):
        assert kept(make(value)(logits)) == [slow(row, value) for row in logits.tolist()]


@pytest.mark.parametrize("name", CUTS)
def test_a_cut_leaves_its_input_alone_and_something_to_choose(name):
    make, _, values = CUTS[name]
    logits = torch.full((3, V), -torch.inf)
    logits[0, 5], logits[1, :2], logits[2] = 1.0, torch.tensor([2.0, -3.0]), 0.0
    before = logits.clone()
    for value in values:
        assert all(kept(make(value)(logits)))
        assert torch.equal(logits, before)


def test_ties_are_kept_by_value_or_cut_to_exactly_k():
    logits = torch.tensor([[1.0, 3.0, 2.0, 2.0, 2.0, 0.0]])
    assert kept(top_k(2)(logits)) == [[1, 2, 3, 4]]
    assert kept(exactly_top_k(2)(logits)) == [[1, 2]]
    assert kept(exactly_top_k(3)(logits)) == [[1, 2, 3]]
    assert kept(top_p(0.5)(torch.zeros(1, 4))) == [[0, 1]]  # a quarter each: two reach a half


def test_top_p_keeps_the_token_that_reaches_p_and_no_more():
    logits = torch.tensor([[0.5, 0.25, 0.125, 0.125]]).log().double()
    for p, count in ((0.4, 1), (0.6, 2), (0.8, 3), (0.9, 4), (1, 4)):
        assert kept(top_p(p)(logits)) == [list(range(count))]


def test_the_predecessors_mistakes_are_not_made():
    """It took the order of a sort for ranks (top-k), and kept tokens whose own probability exceeds p (top-p)."""
    logits = torch.tensor([[2.0, 0.0, 3.0, 1.0]])
    assert logits.argsort(descending=True).tolist() == [[2, 0, 3, 1]]
    assert kept(top_k(1)(logits)) == [[2]]
    assert kept(top_p(0.9)(torch.tensor([[0.4, 0.3, 0.25, 0.05]]).log())) == [[0, 1, 2]]


def test_temperature_divides_and_the_penalty_turns_with_the_sign():
    logits = torch.tensor([[2.0, -2.0, 4.0, -4.0, 0.0]])
    assert torch.equal(temperature(0.5)(logits), logits * 2)
    found = repetition_penalty(2.0)(logits, [TokenSequence([1, 2, 2], 3)])
    assert found.tolist() == [[2.0, -4.0, 2.0, -4.0, 0.0]]


def slow_no_repeat(ids, n):
    """Tokens after which some run of n would stand in the ids twice."""

    def twice(text):
        runs = [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]
        return len(set(runs)) < len(runs)

    return {token for token in range(3) if twice([*ids, token])}


def test_no_run_of_n_comes_twice():
    generator = torch.Generator().manual_seed(1)
    for n in (1, 2, 3, 5):
        for length in range(9):
            ids = torch.randint(3, (length,), generator=generator).tolist()
            if length >= n and len({tuple(ids[i : i + n]) for i in range(length - n + 1)}) < length - n + 1:
                continue  # it stands there twice already
            found = no_repeat_ngram_size(n)(torch.zeros(1, 3), [TokenSequence(ids, 0)])
            assert {i for i in range(3) if found[0, i] == -torch.inf} == slow_no_repeat(ids, n)


def test_biases_add_and_forbid():
    logits = torch.randn(3, V)
    found = logit_bias({5: 2.0, 7: -math.inf})(logits)
    assert torch.equal(found[:, 5], logits[:, 5] + 2)
    assert torch.isneginf(found[:, 7]).all()
    others = [i for i in range(V) if i not in (5, 7)]
    assert torch.equal(found[:, others], logits[:, others])


RULES = {
    "none": lambda logits, rows: logits,
    "temperature": temperature(0.7),
    "top_k": top_k(3),
    "exactly_top_k": exactly_top_k(5),
    "top_p": top_p(0.8),
    "min_p": min_p(0.2),
    "typical": typical_p(0.7),
    "repetition": repetition_penalty(1.7),
    "no_repeat": no_repeat_ngram_size(1),
    "bias": logit_bias({2: 1.5, 3: -math.inf}),
}


@pytest.mark.parametrize("name", RULES)
def test_tokens_are_drawn_as_often_as_the_rule_says(name):
    rows = start_sequences([[2, 5]] * 20_000, seed=13)
    logits = torch.randn(1, V, generator=torch.Generator().manual_seed(7))
    (ruled,) = RULES[name](logits, rows[:1]).tolist()
    wanted = [0.0 if x == -math.inf else math.exp(x) for x in ruled]
    wanted = [x / sum(wanted) for x in wanted]
    counts = [0] * V
    for token in multinomial(RULES[name](logits.expand(len(rows), -1), rows), rows):
        counts[token] += 1
    assert all(count == 0 for count, p in zip(counts, wanted, strict=True) if p == 0)
    pairs = [(count, p * len(rows)) for count, p in zip(counts, wanted, strict=True) if p > 0]
    assert len(pairs) > 1
    assert chisquare(*zip(*pairs, strict=True)).pvalue > 0.001


def test_a_draw_takes_no_token_of_probability_nought_however_the_dice_fall():
    class Dice(Random):
        def __new__(cls, value):
            return super().__new__(cls)

        def __init__(self, value):
            self.value = value

        def random(self):
            return self.value

    logits = torch.tensor([[-math.inf, 0.0, -math.inf, 0.0, 0.0, -math.inf]])
    for value, token in ((0.0, 1), (1 / 3 - 1e-9, 1), (1 / 3 + 1e-9, 3), (1 - 2**-53, 4)):
        assert multinomial(logits, [TokenSequence([0], 1, Dice(value))]) == [token]


WRONG = {
    "a negative temperature": (lambda: temperature(-1.0), "temperature is -1.0, expected a number over 0"),
    "no temperature": (lambda: temperature(0), "temperature is 0, expected a number over 0"),
    "a temperature that is NaN": (lambda: temperature(math.nan), "temperature is nan, expected"),
    "an infinite temperature": (lambda: temperature(math.inf), "temperature is inf, expected"),
    "top_k of 0": (lambda: top_k(0), "top_k is 0, expected a whole number, 1 or more"),
    "top_p of 0": (lambda: top_p(0), "top_p is 0, expected a number over 0, and at most 1"),
    "top_p of 2": (lambda: top_p(2), "top_p is 2, expected a number over 0, and at most 1"),
    "min_p of 2": (lambda: min_p(2), "min_p is 2, expected a number from 0 to 1"),
    "typical of 0": (lambda: typical_p(0.0), "typical_p is 0.0, expected a number over 0"),
    "no penalty": (
        lambda: repetition_penalty(0.0),
        "repetition_penalty is 0.0, expected a number over 0; 1 changes nothing",
    ),
    "runs of nothing": (
        lambda: no_repeat_ngram_size(0),
        "no_repeat_ngram_size is 0, expected a whole number, 1 or more",
    ),
    "a bias that is NaN": (
        lambda: logit_bias({3: math.nan}),
        "logit_bias of token 3 is nan, expected a number, or -inf",
    ),
    "an infinite bias": (lambda: logit_bias({3: math.inf}), "logit_bias of token 3 is inf, expected a number, or -inf"),
    "a bias for nothing": (
        lambda: logit_bias({-1: 1.0}),
        "logit_bias is given for token -1; expected an id, 0 or more",
    ),
    "a bias too far": (lambda: logit_bias({V: 1.0})(torch.zeros(1, V)), "for token 11; the largest id is 10"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_number_is_refused_by_name(name):
    make, message = WRONG[name]
    with pytest.raises(UserError, match=message):
        make()


def test_what_changes_nothing_gives_the_same_logits():
    logits = torch.randn(3, V)
    for rule in (
        temperature(1),
        top_p(1),
        min_p(0),
        typical_p(1),
        repetition_penalty(1),
        logit_bias({}),
        top_k(V),
        exactly_top_k(V),
    ):
        assert torch.equal(rule(logits, start_sequences([[1]] * 3)), logits)


def test_a_forced_token_is_alone_where_it_is_due():
    rows = [TokenSequence([7, 1, 2], 1), TokenSequence([7, 1], 1), TokenSequence([7], 1)]
    logits = torch.arange(9.0).view(3, 3)
    found = forced_token(1, at=2)(logits, rows)
    assert found.tolist() == [[0.0, 1.0, 2.0], [-math.inf, 0.0, -math.inf], [6.0, 7.0, 8.0]]
    with pytest.raises(UserError, match="token 3 is forced; expected an id from 0 to 2"):
        forced_token(3, at=1)(logits, rows)
