"""Beam search against exhaustive search, greedy search, a slow beam search, and the numbers of its length penalty."""

import itertools
import math

import pytest
import torch

from lingon.core.errors import NotFinite, UserError
from lingon.decoding.beam import beam_search
from lingon.decoding.beam_params import (
    BeamParams,
    Hypothesis,
    eager_stopping,
    exact_stopping,
    heuristic_stopping,
    length_penalty,
)
from lingon.decoding.decoder_protocol import start_sequences
from lingon.decoding.logits_processors import (
    forbidden_phrases,
    forced_token,
    logit_bias,
    min_length,
    no_repeat_ngram_size,
    repetition_penalty,
    suppress,
)
from lingon.decoding.prefill import read
from lingon.decoding.sample import greedy, sample
from lingon.decoding.token_changes import token_changes
from lingon.decoding.token_rules import renormalize
from tests.decoding.toy import Toy

PROMPTS = [[3], [1, 2, 3], [1, 2], [3, 1, 2, 3, 3]]


def search(toy, prompts, beams, eos_ids=(), logits_processors=(), stopped=None):
    logits, state = read(toy, prompts)
    return beam_search(toy.step, logits, state, start_sequences(prompts), beams, eos_ids, logits_processors, stopped)


def ids(found):
    return [[hypothesis.ids for hypothesis in texts] for texts in found]


def exhaustive(toy, prompt, length, eos_ids, alpha, best):
    """The best texts among all there are, with the penalty written out."""
    ranked = [(logprob / ((5 + len(text)) / 6) ** alpha, text) for text, logprob in toy.texts(prompt, length, eos_ids)]
    return sorted(ranked, reverse=True)[:best]


@pytest.mark.parametrize(
    ("seeds", "alpha", "eos_ids"), [(100, 0.0, (0,)), (60, 0.6, (0,)), (20, 1.0, (0, 3)), (20, 2, ())]
)
def test_wide_beams_find_what_exhaustive_search_finds(seeds, alpha, eos_ids):
    """200 models over 5 tokens, texts of 4; with 125 beams nothing is lost before the last token."""
    for seed in range(seeds):
        toy = Toy(5, seed=(seed, alpha, eos_ids), spread=1.5)
        wanted = exhaustive(toy, [1], 4, eos_ids, alpha, 7)
        (found,) = search(toy, [[1]], BeamParams(125, 4, length_penalty=float(alpha), n=7), eos_ids)
        assert [text.ids for text in found] == [text for _, text in wanted]
        assert [text.score for text in found] == pytest.approx([score for score, _ in wanted], abs=1e-5)
        assert [text.ended for text in found] == [text[-1] in eos_ids for _, text in wanted]


def test_each_text_has_a_length_of_its_own():
    """Searches of one batch whose texts may have 1, 4 and 2 new tokens find what each finds alone."""
    toy, prompts, lengths = Toy(5, seed=11, spread=1.5), [[1], [2, 3], [3]], [1, 4, 2]
    logits, state = read(toy, prompts)
    rows = start_sequences(prompts)
    for row, length in zip(rows, lengths, strict=True):
        row.max_new_tokens = length
    found = beam_search(toy.step, logits, state, rows, BeamParams(125, 9, n=3), (0,))
    for texts, prompt, length in zip(found, prompts, lengths, strict=True):
        wanted = exhaustive(toy, prompt, length, (0,), 0.6, 3)
        assert [text.ids for text in texts] == [text for _, text in wanted]


def test_texts_that_stop_for_another_reason_leave_the_beam_as_ended_ones_do():
    """A text stops with 2 after 3, or with a third 1; as many candidates are looked at as it takes to fill the beam."""
    over = lambda new: new[-2:] == [3, 2] or new.count(1) == 3

    def cut(text):
        stop = next((i for i in range(1, len(text)) if over(list(text[:i]))), len(text))
        return text[:stop]

    for seed in range(30):
        toy = Toy(5, seed=(seed, "stop"), spread=1.5)
        texts = {cut(text) for text in itertools.product(range(5), repeat=4)}
        scores = {text: toy.logprob([1], text) / length_penalty(len(text), 0.6) for text in texts}
        ranked = sorted(((score, text) for text, score in scores.items()), reverse=True)
        stopped = lambda row: over(row.new_ids)
        (found,) = search(toy, [[1]], BeamParams(125, 4, n=7), stopped=stopped)
        assert [text.ids for text in found] == [text for _, text in ranked[:7]]
        assert [text.ended for text in found] == [over(list(text)) for _, text in ranked[:7]]
    everything = lambda row: row.new_ids[-1] != 4
    (found,) = search(Toy(5), [[1]], BeamParams(2, 3, n=2), stopped=everything)
    assert all(text.ids[-1] != 4 or len(text.ids) == 3 for text in found)


def test_a_beam_of_one_is_greedy():
    for seed in range(20):
        toy = Toy(7, seed)
        rows = start_sequences(PROMPTS)
        finished = lambda row: len(row.new_ids) == 6 or row.new_ids[-1] == 0
        for _ in sample(toy.step, *read(toy, PROMPTS), rows, greedy, (), finished):
            pass
        assert ids(search(toy, PROMPTS, BeamParams(1, 6), eos_ids=(0,))) == [[tuple(row.new_ids)] for row in rows]


SETTINGS = [
    BeamParams(3, 6, n=3),
    BeamParams(5, 6, length_penalty=0.0, n=2, early_stopping=eager_stopping),
    BeamParams(4, 6, length_penalty=1.5, early_stopping=heuristic_stopping),
    BeamParams(6, 5, beam_groups=3, diversity_penalty=0.7, n=6),
]


@pytest.mark.parametrize("beams", SETTINGS)
def test_a_batch_is_searched_like_its_rows_one_by_one(beams):
    for seed in range(5):
        toy = Toy(7, seed)
        logits_processors = [no_repeat_ngram_size(2)]
        together = search(toy, PROMPTS, beams, (0, 2), logits_processors)
        assert together == [search(toy, [prompt], beams, (0, 2), logits_processors)[0] for prompt in PROMPTS]


def slow_beams(toy, prompt, beams, eos_ids):
    """One group of beams, told as plainly as it can be: all texts of a length are listed, and the best of them kept."""
    live, ended = [((), 0.0)], []
    for length in range(1, beams.max_new_tokens + 1):
        grown = []
        for text, logprob in live:
            logs = toy.logits([*prompt, *text]).double().log_softmax(0).tolist()
            grown += [((*text, token), logprob + logs[token]) for token in range(toy.size)]
        grown.sort(key=lambda found: -found[1])
        over = [(t, x) for t, x in grown[: beams.beams] if t[-1] in eos_ids or length == beams.max_new_tokens]
        ended += [(x / ((5 + length) / 6) ** beams.length_penalty, t) for t, x in over]
        live = [(t, x) for t, x in grown if t[-1] not in eos_ids][: beams.beams]
    return sorted(ended, reverse=True)[: beams.n]


@pytest.mark.parametrize("width", [2, 3, 5, 11, 40])
def test_narrow_beams_find_what_a_slow_search_finds(width):
    """Wider than the vocabulary of 7 too. To stop early, when nothing can win any more, changes no result."""
    for seed in range(10):
        toy, beams = Toy(7, seed), BeamParams(width, 5, n=min(width, 4))
        wanted = slow_beams(toy, [1, 2], beams, (0,))
        (found,) = search(toy, [[1, 2]], beams, (0,))
        assert [text.ids for text in found] == [text for _, text in wanted]


def test_to_stop_early_saves_steps():
    steps = {}
    for stop in (eager_stopping, heuristic_stopping, exact_stopping):
        toy = Toy(5, seed=1, spread=2)
        search(toy, [[1]], BeamParams(4, 40, n=4, early_stopping=stop), eos_ids=(0, 1))
        steps[stop] = toy.steps
    assert steps[eager_stopping] <= steps[heuristic_stopping] <= steps[exact_stopping] < 40


def test_the_length_penalty_over_many_steps():
    """Numbers of Wu et al., equation 14, and the longer text winning by them."""
    assert [length_penalty(n, 0.6) for n in (1, 2, 5, 10, 20)] == pytest.approx(
        [1, 1.0969, 1.35866, 1.73286, 2.35436], abs=5e-6
    )
    assert length_penalty(7, 0.0) == 1
    assert length_penalty(9, 1.0, k=3) == pytest.approx(12 / 4)
    for length in range(1, 60):  # the recurrence: each step multiplies by ((6 + n) / (5 + n)) ** alpha
        grown = length_penalty(length, 0.6) * ((6 + length) / (5 + length)) ** 0.6
        assert length_penalty(length + 1, 0.6) == pytest.approx(grown)


def test_scores_are_logprobs_over_the_penalty_however_long_the_text():
    toy = Toy(5, seed=2)
    (found,) = search(toy, [[1]], BeamParams(6, 23, n=6), eos_ids=(0,))
    assert max(len(text.ids) for text in found) > 5
    for text in found:
        assert text.logprob == pytest.approx(toy.logprob([1], text.ids), abs=1e-6)
        assert text.score == pytest.approx(text.logprob / ((5 + len(text.ids)) / 6) ** 0.6)


class Slides(Toy):
    """The tree of the tutorial's slides: greedy takes .5 .4 .4 .6, but .5 .3 .6 .6 is likelier. Tokens A B C end."""

    def logits(self, history):
        first, second, others = [0.5, 0.2, 0.2, 0.1], [0.1, 0.4, 0.3, 0.2], [0.2, 0.2, 0.2, 0.4]
        table = {(): first, (0,): second, (0, 1): others, (0, 2): [0.1, 0.6, 0.2, 0.1]}
        last = [0.6, 0.2, 0.1, 0.1] if len(history) == 4 else None
        return torch.tensor(last or table.get(tuple(history[1:]), others)).log()


def test_the_slides_by_hand():
    toy = Slides(4)
    one, two = (search(toy, [[3]], BeamParams(width, 4, length_penalty=0.0))[0][0] for width in (1, 2))
    assert math.exp(one.logprob) == pytest.approx(0.5 * 0.4 * 0.4 * 0.6)
    assert math.exp(two.logprob) == pytest.approx(0.5 * 0.3 * 0.6 * 0.6)
    assert (one.ids, two.ids) == ((0, 1, 3, 0), (0, 2, 1, 0))


RULES = [
    [no_repeat_ngram_size(2), suppress(torch.tensor([4])), forced_token(0, 6)],
    [repetition_penalty(1.4), forbidden_phrases([[1, 3], [3, 1, 2], [5, 5]]), min_length(5, (0,))],
    [repetition_penalty(0.8), no_repeat_ngram_size(3), min_length(4, (0, 2)), forced_token(2, 6), renormalize],
    [suppress(torch.tensor([1, 6])), renormalize],
]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("beams", SETTINGS[:3])
def test_rules_of_a_few_tokens_find_what_rules_of_all_tokens_find(beams, rules):
    """A processor that is not known to change few tokens makes the search look at all of them."""
    for seed in range(6):
        toy, every = Toy(7, seed), lambda logits, rows: logits
        assert token_changes([*rules, every], [], torch.device("cpu")) is None
        found, wanted = (search(toy, PROMPTS, beams, (0, 2), [*rules, *more]) for more in ([], [every]))
        assert ids(found) == ids(wanted)
        for ours, theirs in zip(found, wanted, strict=True):
            assert [text.score for text in ours] == pytest.approx([text.score for text in theirs], abs=1e-5)


@pytest.mark.parametrize("stop", [exact_stopping, heuristic_stopping])
def test_a_length_penalty_below_zero_favours_short_texts(stop):
    for seed in range(20):
        toy, beams = Toy(5, seed=(seed, "short"), spread=1.5), BeamParams(125, 4, -0.8, n=3, early_stopping=stop)
        (found,) = search(toy, [[1]], beams, (0,))
        wanted = exhaustive(toy, [1], 4, (0,), -0.8, 3)
        if stop is exact_stopping:
            assert [text.ids for text in found] == [text for _, text in wanted]
        assert found[0].score == pytest.approx(found[0].logprob * ((5 + len(found[0].ids)) / 6) ** 0.8)
    assert length_penalty(10**9, -50.0) > 0


def slow_groups(toy, prompt, beams, eos_ids=()):
    """Diverse beams as plainly as they can be told. Groups take turns at each length, and a token loses `diversity` for
    each time that the groups before have just taken it, be it to go on or to end. Best first by likelihood alone."""
    size = beams.beams // beams.beam_groups
    groups, found = [[((), 0.0)] for _ in range(beams.beam_groups)], {}
    for length in range(1, beams.max_new_tokens + 1):
        taken = [0] * toy.size
        for g, group in enumerate(groups):
            grown = []
            for text, value in group:
                logs = toy.logits([*prompt, *text]).double().log_softmax(0).tolist()
                grown += [((*text, t), value + logs[t] - beams.diversity_penalty * taken[t]) for t in range(toy.size)]
            grown.sort(key=lambda one: -one[1])
            over = [text for text, _ in grown[:size] if text[-1] in eos_ids or length == beams.max_new_tokens]
            groups[g] = (
                [one for one in grown if one[0][-1] not in eos_ids][:size] if length < beams.max_new_tokens else []
            )
            for text in over:
                found[text] = toy.logprob(prompt, text) / ((5 + length) / 6) ** beams.length_penalty
            for text in [*over, *(text for text, _ in groups[g])]:
                taken[text[-1]] += 1
    return sorted(found, key=lambda text: -found[text]), found


@pytest.mark.parametrize("eos_ids", [(), (0,), (0, 3)])
@pytest.mark.parametrize(("width", "groups"), [(6, 3), (6, 2), (5, 5), (4, 1), (14, 2)])
def test_diverse_beams_are_those_of_a_slow_search(width, groups, eos_ids):
    """That the library stops early, when nothing can win any more, changes no text and no group."""
    for seed in range(10):
        alpha, best = (0.0, 0.6, 1.5)[seed % 3], (1, width // 2, width)[seed % 3]
        toy, beams = Toy(7, seed), BeamParams(width, 5, alpha, best, groups, diversity_penalty=0.9)
        (found,) = search(toy, [[1, 2]], beams, eos_ids)
        ranked, scores = slow_groups(toy, [1, 2], beams, eos_ids)
        assert [text.ids for text in found] == ranked[:best]
        for text in found:
            assert text.logprob == pytest.approx(toy.logprob([1, 2], text.ids), abs=1e-6)
            assert text.score == pytest.approx(scores[text.ids], abs=1e-6)


class Four(Toy):
    """Four tokens of probabilities .4, .25, .2 and .15, whatever came before."""

    def logits(self, history):
        return torch.tensor([0.4, 0.25, 0.2, 0.15]).log()


def test_a_text_that_two_groups_find_keeps_its_own_probability():
    """The second group finds token 0 again, at .4 / exp(.5) = .243, less than the .25 of token 1."""
    (found,) = search(Four(4), [[3]], BeamParams(4, 1, length_penalty=0.0, n=3, beam_groups=2, diversity_penalty=0.5))
    assert [(text.ids, round(math.exp(text.score), 6)) for text in found] == [((0,), 0.4), ((1,), 0.25), ((2,), 0.2)]


def test_diversity_makes_beginnings_differ():
    toy = Toy(7, seed=4)
    for diversity, firsts in ((0.0, 1), (100.0, 3)):
        (found,) = search(toy, [[1]], BeamParams(3, 4, n=3, beam_groups=3, diversity_penalty=diversity))
        assert len({text.ids[0] for text in found}) == firsts


def test_rules_forbid_and_leave_the_model_its_probabilities():
    toy = Toy(5, seed=3)
    logits_processors = [logit_bias({2: -math.inf})]
    (found,) = search(toy, [[1]], BeamParams(125, 4, length_penalty=0.0, n=4), (0,), logits_processors)
    allowed = [(x, t) for t, x in toy.texts([1], 4, (0,)) if 2 not in t]
    assert [text.ids for text in found] == [text for _, text in sorted(allowed, reverse=True)[:4]]
    with pytest.raises(UserError, match="no text of at most 4 tokens is left by the logits processors"):
        search(toy, [[1]], BeamParams(3, 4), (0,), [logit_bias(dict.fromkeys(range(5), -math.inf))])


WRONG = {
    "no beams": ({"beams": 0}, "beams is 0, expected a whole number, 1 or more"),
    "no tokens": ({"max_new_tokens": 0}, "max_new_tokens is 0, expected"),
    "more texts than beams": ({"n": 5}, "the 5 best texts are wanted of 3 beams; search with more beams"),
    "groups that do not fit": ({"beam_groups": 2}, "3 beams cannot be divided into 2 groups"),
    "a strong penalty": ({"length_penalty": -50.5}, "length_penalty is -50.5, expected a number from -50 to 50"),
    "likeness that is wanted": ({"diversity_penalty": -1.0}, "diversity_penalty is -1.0, expected a number, 0 or more"),
    "NaN": ({"length_penalty": math.nan}, "length_penalty is nan, expected"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_number_is_refused_by_name(name):
    change, message = WRONG[name]
    with pytest.raises(UserError, match=message):
        BeamParams(**({"beams": 3, "max_new_tokens": 4} | change))


def test_a_broken_model_is_told():
    toy = Toy(5)
    toy.known[1,] = torch.tensor([0.0, math.nan, 0.0, 0.0, 0.0])
    with pytest.raises(NotFinite, match="after 0 new tokens the model gave logits that are NaN"):
        search(toy, [[1]], BeamParams(2, 3))


def test_a_hypothesis_is_plain_data():
    assert Hypothesis((1, 2), -1.0, -0.5, True) == Hypothesis((1, 2), -1.0, -0.5, True)


def test_the_offset_of_the_penalty_ranks_as_hugging_face_does():
    """With offset 0, log-probabilities are divided by length ** alpha; with 5 other texts win."""
    differ = 0
    for seed in range(30):
        toy = Toy(5, seed=("offset", seed), spread=1.5)
        params = BeamParams(125, 4, length_penalty=1.0, length_offset=0)
        ((found,),) = search(toy, [[3]], params, (0,))
        ranked = [(logprob / len(text), text) for text, logprob in toy.texts([3], 4, (0,))]
        assert found.ids == max(ranked)[1]
        assert math.isclose(found.score, max(ranked)[0], rel_tol=1e-6)
        differ += found.ids != exhaustive(toy, [3], 4, (0,), 1.0, 1)[0][1]
    assert differ
    with pytest.raises(UserError, match="length_offset is -1, expected a whole number, 0 or more"):
        BeamParams(beams=1, max_new_tokens=1, length_offset=-1)
