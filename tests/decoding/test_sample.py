"""Generation step by step: greedy, sampled, in batches of unequal prompts, with prefixes that are read once."""

import math
from collections import Counter

import pytest
import torch
from scipy.stats import chisquare

from lingon.core.errors import NotFinite, UserError
from lingon.decoding.logits_processors import bias, no_repeat, temperature, top_k, top_p
from lingon.decoding.prompts import padded_left, read
from lingon.decoding.sample import greedy, sampled, stream
from lingon.decoding.step import rows_of
from tests.decoding.toy import Toy, chances

PROMPTS = [[3], [1, 2, 3], [1, 2], [3, 1, 2, 3, 3], [1, 2, 3]]


def texts(toy, prompts, most=7, choose=greedy, rules=(), ends=(), seed=0, **more):
    """The new ids of each prompt."""
    rows = rows_of(prompts, seed)
    logits, state = read(toy, toy.fresh, prompts)
    finished = lambda row: len(row.new) == most or row.new[-1] in ends
    for _ in stream(toy, logits, state, rows, choose, rules, finished, **more):
        pass
    return [row.new for row in rows]


def slow_greedy(toy, prompt, most):
    ids = list(prompt)
    for _ in range(most):
        ids.append(max(range(toy.size), key=lambda t: toy.logits(ids)[t].item()))
    return ids[len(prompt) :]


def test_greedy_takes_the_likeliest_token_each_time():
    toy = Toy(5)
    assert texts(toy, PROMPTS) == [slow_greedy(toy, prompt, 7) for prompt in PROMPTS]


@pytest.mark.parametrize("rules", [(), (temperature(0.8), top_k(4)), (no_repeat(2), top_p(0.9))])
@pytest.mark.parametrize("choose", [greedy, sampled])
def test_a_batch_decodes_like_its_rows_one_by_one(choose, rules):
    toy = Toy(5)
    arguments = {"choose": choose, "rules": rules, "ends": (0,), "seed": 11, "most": 9}
    together = texts(toy, PROMPTS[:4], **arguments)
    assert together == [texts(toy, [prompt], **arguments)[0] for prompt in PROMPTS[:4]]
    assert together[::-1] == texts(toy, PROMPTS[:4][::-1], **arguments)
    assert len({len(text) for text in together}) > 1  # rows that end early leave the batch


def test_seeds_and_copies_of_a_prompt_give_texts_of_their_own():
    toy = Toy(7)
    found = texts(toy, [[1, 2]] * 5, choose=sampled, seed=3)
    assert len(set(map(tuple, found))) > 1
    assert texts(toy, [[1, 2]] * 3, choose=sampled, seed=3) == found[:3]
    assert texts(toy, [[1, 2]] * 5, choose=sampled, seed=4) != found
    assert texts(toy, [[1, 2], [5], [1, 2]], choose=sampled, seed=3)[2] == found[1]


def test_a_longer_text_begins_like_a_shorter_one():
    toy = Toy(7)
    assert texts(toy, [[1]], choose=sampled, most=11)[0][:5] == texts(toy, [[1]], choose=sampled, most=5)[0]


def test_whole_texts_are_drawn_as_often_as_the_model_says():
    toy = Toy(3)
    wanted = chances(toy, [1], 3)
    counts = Counter(map(tuple, texts(toy, [[1]] * 5000, most=3, choose=sampled, seed=2)))
    assert chisquare([counts[text] for text in wanted], [5000 * p for p in wanted.values()]).pvalue > 0.001


def test_every_token_is_told_with_its_numbers():
    toy = Toy(5)
    logits, state = read(toy, toy.fresh, [[3]])
    rows = rows_of([[3]], seed=1)
    most = lambda row: len(row.new) == 6
    steps = [step for (step,) in stream(toy, logits, state, rows, sampled, [temperature(0.5), top_k(3)], most, 2)]
    assert [step.id for step in steps] == rows[0].new
    for i, step in enumerate(steps):
        row = toy.logits([3, *rows[0].new[:i]]).double()
        assert step.logprob == pytest.approx(row.log_softmax(0)[step.id].item(), abs=1e-5)
        best = row.sort(descending=True)
        assert [token for token, *_ in step.others] == best.indices[:2].tolist()
        assert [x for _, x, _ in step.others] == pytest.approx(row.log_softmax(0)[best.indices[:2]].tolist(), abs=1e-5)
        top = (best.values[:3] / 0.5).softmax(0)
        assert [x for *_, x in step.others] == pytest.approx(top[:2].tolist(), abs=1e-5)
        surprises = [-math.log(p) * p for p in row.softmax(0).tolist()]
        assert step.entropy == pytest.approx(sum(surprises), abs=1e-5)
        assert step.chance == pytest.approx(top[best.indices[:3] == step.id].item(), abs=1e-5)


def test_what_prompts_share_is_read_once():
    toy, shared = Toy(5), [1, 2, 3, 4, 0, 1]
    prompts = [[*shared, 1], [*shared, 2, 2], [*shared, 1], shared]
    logits, state = read(toy, toy.fresh, prompts)
    assert toy.read == 5 + 3 * 3  # the shared part but for its last token, then three different rests
    for prompt, row, memory in zip(prompts, logits, state.rows, strict=True):
        assert torch.equal(row, toy.logits(prompt))
        assert [t for t in memory if t is not None] == prompt
    toy.read = 0
    read(toy, toy.fresh, [shared] * 9)
    assert toy.read == len(shared)


def test_padding_is_on_the_left():
    ids, mask = padded_left([[5, 6], [7, 8, 9]])
    assert ids.tolist() == [[0, 5, 6], [7, 8, 9]]
    assert mask.tolist() == [[False, True, True], [True, True, True]]


def test_an_empty_prompt_is_refused():
    toy = Toy(5)
    for prompts in ([], [[]], [[1], []]):
        with pytest.raises(UserError, match="a prompt is empty; give it a token at least"):
            read(toy, toy.fresh, prompts)


def test_rules_that_leave_nothing_and_a_model_that_is_broken_are_told():
    toy = Toy(3)
    with pytest.raises(UserError, match="after 0 new tokens the rules leave no token to go on with"):
        texts(toy, [[1]], rules=[bias(dict.fromkeys(range(3), -math.inf))])
    with pytest.raises(UserError, match="after 3 new tokens the rules leave no token"):
        texts(toy, [[1]], rules=[lambda logits, rows: no_repeat(1)(logits, [_only_new(rows[0])])])
    for value in (math.nan, math.inf):
        toy.known[1, 2] = torch.tensor([0.0, value, 1.0])
        with pytest.raises(NotFinite, match="after 0 new tokens the model gave logits that are NaN or infinite"):
            texts(toy, [[1, 2]])


def _only_new(row):
    return type(row)(row.new, 0)
