"""Speculative decoding keeps the target's distribution, whatever the draft says."""

from collections import Counter

import pytest
import torch
from scipy.stats import chisquare

from lingon.core.errors import UserError
from lingon.decoding.logits_processors import bias, exactly_top_k, no_repeat, temperature, top_k, top_p
from lingon.decoding.prompts import read
from lingon.decoding.sample import greedy, stream
from lingon.decoding.speculative import Reader, Tally, speculate
from lingon.decoding.step import Row, apply, rows_of
from tests.decoding.toy import Toy

DRAFTS = {
    "another model": Toy(3, seed=1, spread=1.5),
    "the target": Toy(3, seed=0),
    "a sure and wrong one": Toy(3, seed=2, spread=30),
}


def texts(target, draft, rows, most, rules=(), ends=(), **more):
    finished = lambda row: row.new[-1] in ends
    for row in rows:
        readers = Reader(target.every, target.fresh(1)), Reader(draft.every, draft.fresh(1))
        for _ in speculate(*readers, row, most, rules, finished, **more):
            pass
    return [tuple(row.new) for row in rows]


def exact(target, prompt, length, rules):
    """Probability of each text under the target with the rules, by enumeration."""
    found = {(): 1.0}
    for _ in range(length):
        grown = {}
        for text, chance in found.items():
            row = Row([*prompt, *text], len(prompt))
            for token, p in enumerate(
                apply(rules, target.logits(row.ids)[None], [row])[0].double().softmax(0).tolist()
            ):
                grown[*text, token] = chance * p
        found = grown
    return {text: p for text, p in found.items() if p > 0}


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("count", [250, pytest.param(5000, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("ahead", "rules"),
    [(1, ()), (2, ()), (5, (temperature(0.6),)), (3, (bias({0: 0.5}), top_k(2))), (2, (no_repeat(2), top_p(0.8)))],
)
def test_the_targets_distribution_is_kept(draft, count, ahead, rules):
    target = Toy(3, seed=0)
    wanted = exact(target, [1, 2], 4, rules)
    found = Counter(texts(target, DRAFTS[draft], rows_of([[1, 2]] * count, seed=ahead), 4, rules, ahead=ahead))
    assert set(found) <= set(wanted)
    # Texts too rare to be counted one by one are counted together.
    rare = {text for text, p in wanted.items() if p * count < 5}
    pairs = [(found[text], p * count) for text, p in wanted.items() if text not in rare]
    if rare:
        pairs.append((sum(found[t] for t in rare), sum(wanted[t] for t in rare) * count))
    assert len(pairs) > 2
    assert chisquare(*zip(*pairs, strict=True)).pvalue > 0.001


def test_greedy_text_is_that_of_the_target():
    for seed in range(20):
        target, draft = Toy(7, seed), Toy(7, seed + 100)
        for prompt in ([1], [1, 2, 3, 4]):
            (row,) = rows_of([prompt])
            finished = lambda row: len(row.new) == 13 or row.new[-1] == 0
            for _ in stream(target, *read(target, target.fresh, [prompt]), [row], greedy, (), finished):
                pass
            assert texts(target, draft, rows_of([prompt]), 13, [exactly_top_k(1)], (0,)) == [tuple(row.new)]


def test_a_draft_that_knows_all_is_kept_and_saves_steps():
    target, tally = Toy(5, seed=0), Tally()
    texts(target, Toy(5, seed=0), rows_of([[1]]), 24, ahead=5, tally=tally)
    assert tally.kept == tally.drafted == 20
    assert target.steps == 4  # of six tokens each


def test_no_token_is_read_beyond_those_asked_for():
    """The caches are no longer than the text: neither model reads the last token, nor what was thrown away twice."""
    for most in (1, 2, 3, 7):
        target, draft = Toy(5, seed=0), Toy(5, seed=1)
        readers = Reader(target.every, target.fresh(1)), Reader(draft.every, draft.fresh(1))
        (row,) = rows_of([[1, 2, 3]])
        assert len(list(speculate(*readers, row, most, ahead=4))) == most == len(row.new)
        for reader in readers:
            assert reader.state.rows[0] == row.ids[: reader.state.length]


def test_numbers_are_those_of_the_target():
    target, draft = Toy(5, seed=0), Toy(5, seed=1)
    readers = Reader(target.every, target.fresh(1)), Reader(draft.every, draft.fresh(1))
    (row,) = rows_of([[2]])
    for i, step in enumerate(speculate(*readers, row, 9, [temperature(0.5)], details=2)):
        logits = target.logits([2, *row.new[:i]]).double()
        assert row.new[i] == step.id
        assert step.logprob == pytest.approx(logits.log_softmax(0)[step.id].item(), abs=1e-5)
        assert step.chance == pytest.approx((logits / 0.5).softmax(0)[step.id].item(), abs=1e-5)


def test_a_draft_that_does_not_go_ahead_is_refused():
    with pytest.raises(UserError, match="the draft goes 0 tokens ahead, expected 1 or more"):
        texts(Toy(3), Toy(3), rows_of([[1]]), 3, ahead=0)


def test_dice_that_fall_on_the_edge_never_keep_a_token_the_target_forbids():
    target = Toy(3, seed=0)
    target.known[1,] = torch.tensor([0.0, -torch.inf, 0.0])
    draft = Toy(3, seed=1)
    draft.known[1,] = torch.tensor([-torch.inf, 0.0, -torch.inf])
    found = texts(target, draft, rows_of([[1]] * 200), 2, ahead=3)
    assert {text[0] for text in found} == {0, 2}
