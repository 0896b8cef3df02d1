"""Speculative decoding keeps the target's distribution, whatever the draft says."""

from collections import Counter

import pytest
import torch
from scipy.stats import chisquare

from lingon.core.errors import UserError
from lingon.decoding.decoder_protocol import TokenSequence, apply_processors, start_sequences
from lingon.decoding.logits_processors import exactly_top_k, logit_bias, no_repeat_ngram_size, temperature, top_k, top_p
from lingon.decoding.prefill import read
from lingon.decoding.sample import greedy, sample
from lingon.decoding.speculative import Acceptance, CachedModel, speculative_decode
from tests.decoding.toy import Toy

DRAFTS = {
    "another model": Toy(3, seed=1, spread=1.5),
    "the target": Toy(3, seed=0),
    "a sure and wrong one": Toy(3, seed=2, spread=30),
}


def texts(target, draft, rows, most, logits_processors=(), eos_ids=(), **more):
    finished = lambda row: row.new_ids[-1] in eos_ids
    for row in rows:
        readers = CachedModel(target.every, target.begin([None])), CachedModel(draft.every, draft.begin([None]))
        for _ in speculative_decode(*readers, row, most, logits_processors, finished, **more):
            pass
    return [tuple(row.new_ids) for row in rows]


def exact(target, prompt, length, logits_processors):
    """Probability of each text under the target with the rules, by enumeration."""
    found = {(): 1.0}
    for _ in range(length):
        grown = {}
        for text, chance in found.items():
            row = TokenSequence([*prompt, *text], len(prompt))
            for token, p in enumerate(
                apply_processors(logits_processors, target.logits(row.ids)[None], [row])[0].double().softmax(0).tolist()
            ):
                grown[*text, token] = chance * p
        found = grown
    return {text: p for text, p in found.items() if p > 0}


@pytest.mark.parametrize("draft", DRAFTS)
@pytest.mark.parametrize("count", [250, pytest.param(5000, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("ahead", "logits_processors"),
    [
        (1, ()),
        (2, ()),
        (5, (temperature(0.6),)),
        (3, (logit_bias({0: 0.5}), top_k(2))),
        (2, (no_repeat_ngram_size(2), top_p(0.8))),
    ],
)
def test_the_targets_distribution_is_kept(draft, count, ahead, logits_processors):
    target = Toy(3, seed=0)
    wanted = exact(target, [1, 2], 4, logits_processors)
    found = Counter(
        texts(
            target,
            DRAFTS[draft],
            start_sequences([[1, 2]] * count, seed=ahead),
            4,
            logits_processors,
            num_speculative_tokens=ahead,
        )
    )
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
            (row,) = start_sequences([prompt])
            finished = lambda row: len(row.new_ids) == 13 or row.new_ids[-1] == 0
            for _ in sample(target.step, *read(target, [prompt]), [row], greedy, (), finished):
                pass
            assert texts(target, draft, start_sequences([prompt]), 13, [exactly_top_k(1)], (0,)) == [tuple(row.new_ids)]


def test_a_draft_that_knows_all_is_kept_and_saves_steps():
    target, acceptance = Toy(5, seed=0), Acceptance()
    texts(target, Toy(5, seed=0), start_sequences([[1]]), 24, num_speculative_tokens=5, acceptance=acceptance)
    assert acceptance.accepted == acceptance.drafted == 20
    assert target.steps == 4  # of six tokens each


def test_no_token_is_read_beyond_those_asked_for():
    """The caches are no longer than the text: neither model reads the last token, nor what was thrown away twice."""
    for most in (1, 2, 3, 7):
        target, draft = Toy(5, seed=0), Toy(5, seed=1)
        readers = CachedModel(target.every, target.begin([None])), CachedModel(draft.every, draft.begin([None]))
        (row,) = start_sequences([[1, 2, 3]])
        assert len(list(speculative_decode(*readers, row, most, num_speculative_tokens=4))) == most == len(row.new_ids)
        for reader in readers:
            assert reader.state.rows[0] == row.ids[: reader.state.length]


def test_numbers_are_those_of_the_target():
    target, draft = Toy(5, seed=0), Toy(5, seed=1)
    readers = CachedModel(target.every, target.begin([None])), CachedModel(draft.every, draft.begin([None]))
    (row,) = start_sequences([[2]])
    for i, step in enumerate(speculative_decode(*readers, row, 9, [temperature(0.5)], top_logprobs=2)):
        logits = target.logits([2, *row.new_ids[:i]]).double()
        assert row.new_ids[i] == step.id
        assert step.logprob == pytest.approx(logits.log_softmax(0)[step.id].item(), abs=1e-5)
        assert step.probability == pytest.approx((logits / 0.5).softmax(0)[step.id].item(), abs=1e-5)


def test_a_draft_that_does_not_go_ahead_is_refused():
    with pytest.raises(UserError, match="num_speculative_tokens is 0, expected 1 or more"):
        texts(Toy(3), Toy(3), start_sequences([[1]]), 3, num_speculative_tokens=0)


def test_dice_that_fall_on_the_edge_never_keep_a_token_the_target_forbids():
    target = Toy(3, seed=0)
    target.known[1,] = torch.tensor([0.0, -torch.inf, 0.0])
    draft = Toy(3, seed=1)
    draft.known[1,] = torch.tensor([-torch.inf, 0.0, -torch.inf])
    found = texts(target, draft, start_sequences([[1]] * 200), 2, num_speculative_tokens=3)
    assert {text[0] for text in found} == {0, 2}
