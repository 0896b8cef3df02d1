"""Generation step by step: greedy, sampled, in batches of unequal prompts, with prefixes that are read once."""

import math
from collections import Counter

import pytest
import torch
from scipy.stats import chisquare

from lingon.core.errors import NotFinite, UserError
from lingon.decoding.decoder_protocol import start_sequences
from lingon.decoding.logits_processors import logit_bias, no_repeat_ngram_size, temperature, top_k, top_p
from lingon.decoding.prefill import padded_left, read
from lingon.decoding.sample import greedy, multinomial, sample
from tests.decoding.toy import Toy, chances

PROMPTS = [[3], [1, 2, 3], [1, 2], [3, 1, 2, 3, 3], [1, 2, 3]]


def texts(toy, prompts, most=7, choose=greedy, logits_processors=(), eos_ids=(), seed=0, **more):
    """The new ids of each prompt."""
    rows = start_sequences(prompts, seed)
    logits, state = read(toy, prompts)
    finished = lambda row: len(row.new_ids) == most or row.new_ids[-1] in eos_ids
    for _ in sample(toy.step, logits, state, rows, choose, logits_processors, finished, **more):
        pass
    return [row.new_ids for row in rows]


def slow_greedy(toy, prompt, most):
    ids = list(prompt)
    for _ in range(most):
        ids.append(max(range(toy.size), key=lambda t: toy.logits(ids)[t].item()))
    return ids[len(prompt) :]


def test_greedy_takes_the_likeliest_token_each_time():
    toy = Toy(5)
    assert texts(toy, PROMPTS) == [slow_greedy(toy, prompt, 7) for prompt in PROMPTS]


@pytest.mark.parametrize("logits_processors", [(), (temperature(0.8), top_k(4)), (no_repeat_ngram_size(2), top_p(0.9))])
@pytest.mark.parametrize("choose", [greedy, multinomial])
def test_a_batch_decodes_like_its_rows_one_by_one(choose, logits_processors):
    toy = Toy(5)
    arguments = {"choose": choose, "logits_processors": logits_processors, "eos_ids": (0,), "seed": 11, "most": 9}
    together = texts(toy, PROMPTS[:4], **arguments)
    assert together == [texts(toy, [prompt], **arguments)[0] for prompt in PROMPTS[:4]]
    assert together[::-1] == texts(toy, PROMPTS[:4][::-1], **arguments)
    assert len({len(text) for text in together}) > 1  # rows that end early leave the batch


def test_seeds_and_copies_of_a_prompt_give_texts_of_their_own():
    toy = Toy(7)
    found = texts(toy, [[1, 2]] * 5, choose=multinomial, seed=3)
    assert len(set(map(tuple, found))) > 1
    assert texts(toy, [[1, 2]] * 3, choose=multinomial, seed=3) == found[:3]
    assert texts(toy, [[1, 2]] * 5, choose=multinomial, seed=4) != found
    assert texts(toy, [[1, 2], [5], [1, 2]], choose=multinomial, seed=3)[2] == found[1]


def test_a_longer_text_begins_like_a_shorter_one():
    toy = Toy(7)
    assert texts(toy, [[1]], choose=multinomial, most=11)[0][:5] == texts(toy, [[1]], choose=multinomial, most=5)[0]


def test_whole_texts_are_drawn_as_often_as_the_model_says():
    toy = Toy(3)
    wanted = chances(toy, [1], 3)
    counts = Counter(map(tuple, texts(toy, [[1]] * 5000, most=3, choose=multinomial, seed=2)))
    assert chisquare([counts[text] for text in wanted], [5000 * p for p in wanted.values()]).pvalue > 0.001


def test_every_token_is_told_with_its_numbers():
    toy = Toy(5)
    logits, state = read(toy, [[3]])
    rows = start_sequences([[3]], seed=1)
    most = lambda row: len(row.new_ids) == 6
    steps = [
        step for (step,) in sample(toy.step, logits, state, rows, multinomial, [temperature(0.5), top_k(3)], most, 2)
    ]
    assert [step.id for step in steps] == rows[0].new_ids
    for i, step in enumerate(steps):
        row = toy.logits([3, *rows[0].new_ids[:i]]).double()
        assert step.logprob == pytest.approx(row.log_softmax(0)[step.id].item(), abs=1e-5)
        best = row.sort(descending=True)
        assert [token for token, *_ in step.top_logprobs] == best.indices[:2].tolist()
        assert [x for _, x, _ in step.top_logprobs] == pytest.approx(
            row.log_softmax(0)[best.indices[:2]].tolist(), abs=1e-5
        )
        top = (best.values[:3] / 0.5).softmax(0)
        assert [x for *_, x in step.top_logprobs] == pytest.approx(top[:2].tolist(), abs=1e-5)
        surprises = [-math.log(p) * p for p in row.softmax(0).tolist()]
        assert step.entropy == pytest.approx(sum(surprises), abs=1e-5)
        assert step.probability == pytest.approx(top[best.indices[:3] == step.id].item(), abs=1e-5)


def test_what_prompts_share_is_read_once():
    toy, shared = Toy(5), [1, 2, 3, 4, 0, 1]
    prompts = [[*shared, 1], [*shared, 2, 2], [*shared, 1], shared]
    logits, state = read(toy, prompts)
    assert toy.read == 5 + 3 * 3  # the shared part but for its last token, then three different rests
    for prompt, row, memory in zip(prompts, logits, state.rows, strict=True):
        assert torch.equal(row, toy.logits(prompt))
        assert [t for t in memory if t is not None] == prompt
    toy.read = 0
    read(toy, [shared] * 9)
    assert toy.read == len(shared)


def test_padding_is_on_the_left():
    ids, mask = padded_left([[5, 6], [7, 8, 9]])
    assert ids.tolist() == [[0, 5, 6], [7, 8, 9]]
    assert mask.tolist() == [[False, True, True], [True, True, True]]


def test_an_empty_prompt_is_refused():
    toy = Toy(5)
    for prompts in ([], [[]], [[1], []]):
        with pytest.raises(UserError, match="a prompt is empty; give it at least one token"):
            read(toy, prompts)


def test_rules_that_leave_nothing_and_a_model_that_is_broken_are_told():
    toy = Toy(3)
    with pytest.raises(UserError, match="after 0 new tokens the logits processors leave no token to sample"):
        texts(toy, [[1]], logits_processors=[logit_bias(dict.fromkeys(range(3), -math.inf))])
    with pytest.raises(UserError, match="after 3 new tokens the logits processors leave no token"):
        texts(
            toy, [[1]], logits_processors=[lambda logits, rows: no_repeat_ngram_size(1)(logits, [_only_new(rows[0])])]
        )
    for value in (math.nan, math.inf):
        toy.known[1, 2] = torch.tensor([0.0, value, 1.0])
        with pytest.raises(NotFinite, match="after 0 new tokens the model gave logits that are NaN or infinite"):
            texts(toy, [[1, 2]])


def _only_new(row):
    return type(row)(row.new_ids, 0)
