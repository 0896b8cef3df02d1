"""A running batch and sources: each text is what its request alone would get, whatever is generated beside it."""

import pytest
import torch

from lingon.core.errors import UserError
from lingon.decoding.beam import beam_search
from lingon.decoding.beam_params import BeamParams
from lingon.decoding.decoder_protocol import Decodable, DecoderState, start_sequences
from lingon.decoding.prefill import read
from lingon.decoding.request import Request, requests_of
from lingon.decoding.run import Strategy, run
from lingon.decoding.sample import greedy, multinomial, sample
from lingon.decoding.sampling_params import SamplingParams
from tests.decoding.toy import Toy

PROMPTS = [[3], [1, 2, 3], [1, 2], [3, 1, 2, 3, 3], [1, 2, 3], [4], [4, 4, 4, 4, 4, 4, 4], [3], [1, 2]]
SOURCES = ["ein Hund", (3, 5), "ein Hund", "une chat", (3, 7), None, None, "une chat", (3, 5)]


def strategy(params):
    finished = lambda row: row.new_ids[-1] == 0 or len(row.new_ids) >= row.max_new_tokens
    return Strategy(params.sampler(), params.logits_processors(), finished)


def alone(toy, request):
    """The new ids of one request, by `sample`."""
    row, how = request.sequence(request.params.max_new_tokens), strategy(request.params)
    logits, state = read(toy, [request.prompt_ids], [request.source])
    for _ in sample(toy.step, logits, state, [row], how.sampler, how.logits_processors, how.finished):
        pass
    return row.new_ids


def in_a_batch(toy, requests, batch_size, group_size=1):
    """The new ids of each request, and how many rows each step had."""
    known, found, sizes = {}, {}, []

    def prepare(request):
        how = known.setdefault(id(request.params), strategy(request.params))
        return request.sequence(request.params.max_new_tokens), how

    finished = set()
    for events in run(toy, requests, prepare, batch_size, group_size):
        sizes.append(len(events))
        for event in events:
            assert event.token.row not in finished
            found.setdefault(event.token.row, []).append(event.token.id)
            finished |= {event.token.row} if event.finished else set()
    assert finished == found.keys()
    return [found[number] for number in range(len(found))], sizes


def mixed():
    """Requests with sources, of three sets of parameters in turn."""
    kinds = [SamplingParams(9, seed=5), SamplingParams(4, temperature=0), SamplingParams(13, top_k=3, seed=2)]
    by_kind = [requests_of(PROMPTS[i::3], params, SOURCES[i::3]) for i, params in enumerate(kinds)]
    return [next(by_kind[i % 3]) for i in range(len(PROMPTS))]


def test_the_toy_is_decodable():
    assert isinstance(Toy(3), Decodable)
    assert isinstance(Toy(3).begin([None]), DecoderState)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 20])
def test_a_running_batch_gives_each_request_what_it_gets_alone(batch_size):
    toy, requests = Toy(5), mixed()
    found, sizes = in_a_batch(toy, requests, batch_size)
    assert found == [alone(toy, request) for request in requests]
    assert len({len(text) for text in found}) > 2
    assert max(sizes) == min(batch_size, len(requests))


def test_a_place_that_is_free_is_taken_at_once():
    """Texts of 2, 7, 2, 2 and 2 tokens: while the long one is generated, all others go through the second place."""
    lengths, toy = [2, 7, 2, 2, 2], Toy(5)
    requests = [next(requests_of([[1, 2]], SamplingParams(most, logit_bias={0: -1e9}))) for most in lengths]
    found, sizes = in_a_batch(toy, requests, 2)
    assert list(map(len, found)) == lengths
    assert sizes == [2] * 7 + [1]


def test_requests_are_taken_when_there_is_room():
    taken = []

    def waiting():
        for number, request in enumerate(requests_of([[1]] * 5, SamplingParams(3, logit_bias={0: -1e9}))):
            taken.append(number)
            yield request

    prepare = lambda request: (request.sequence(3), strategy(request.params))
    steps = run(Toy(5), waiting(), prepare, 2)
    next(steps)
    assert taken == [0, 1]
    assert sum(len(events) for events in steps) + 2 == 15
    assert taken == [0, 1, 2, 3, 4]


def test_a_group_enters_together_and_its_prompt_is_read_once():
    toy = Toy(5)
    requests = list(requests_of([[1, 2, 3, 4]] * 3 + [[4, 3, 2, 1]] * 3, SamplingParams(1)))
    _, sizes = in_a_batch(toy, requests, 5, group_size=3)
    assert sizes == [3, 3]
    assert toy.read == 2 * 4
    for batch_size, group_size in ((2, 3), (0, 0)):
        with pytest.raises(UserError, match=f"batch_size is {batch_size}, expected"):
            in_a_batch(toy, requests, batch_size, group_size)
    assert in_a_batch(toy, [], 3) == ([], [])


@pytest.mark.parametrize("choose", [greedy, multinomial])
def test_equal_prompts_of_different_sources_stay_apart_in_a_batch(choose):
    toy = Toy(7)
    prompts, sources = [[1, 2], [1, 2], [1, 2], [1, 2, 3]], ["a", ("b", 3), "a", "c"]
    rows = start_sequences(prompts, 4, sources)
    logits, state = read(toy, prompts, sources)
    assert toy.read == 3 * 3  # three different rows, padded to the longest
    most = lambda row: len(row.new_ids) == 8
    for _ in sample(toy.step, logits, state, rows, choose, (), most):
        pass
    for prompt, source, row in zip(
        prompts[:2] + prompts[3:], ["a", ("b", 3), "c"], [rows[0], rows[1], rows[3]], strict=True
    ):
        (one,) = start_sequences([prompt], 4, [source])
        for _ in sample(toy.step, *read(toy, [prompt], [source]), [one], choose, (), most):
            pass
        assert row.ids == one.ids
    assert rows[0].ids != rows[1].ids
    assert (rows[0].ids == rows[2].ids) == (choose is greedy)  # copies of a prompt with its source


def test_equal_prompts_of_different_sources_stay_apart_in_a_beam_search():
    toy, prompts, sources, beams = Toy(7), [[1, 2]] * 3, ["a", "b", "a"], BeamParams(3, 5, n=2)
    together = beam_search(toy.step, *read(toy, prompts, sources), start_sequences(prompts), beams)
    for source, found in zip(sources, together, strict=True):
        (own,) = beam_search(toy.step, *read(toy, [[1, 2]], [source]), start_sequences([[1, 2]]), beams)
        assert [text.ids for text in found] == [text.ids for text in own]
        assert [text.score for text in found] == pytest.approx([text.score for text in own])
    assert [text.ids for text in together[0]] != [text.ids for text in together[1]]


def test_a_tensor_is_a_source_and_a_list_is_none():
    toy = Toy(5)
    picture, other = torch.zeros(3), torch.zeros(3)
    toy.logits = lambda history, source=None: torch.arange(5.0)
    read(toy, [[1]] * 3, [picture, other, picture])
    assert toy.read == 2  # equal, and yet another source
    with pytest.raises(UserError, match="a source of type tuple has no hash; make tuples of its lists"):
        Request(([3, 5],), (1,), SamplingParams(), 0)
    with pytest.raises(UserError, match="has no hash"):
        start_sequences([[1]], 0, [([3, 5],)])
    with pytest.raises(UserError, match="a prompt is empty"):
        Request(None, (), SamplingParams(), 0)


def test_copies_of_a_prompt_with_its_source_get_texts_of_their_own():
    params = SamplingParams(seed=3)
    seeds = [request.seed for request in requests_of([[1, 2], [1], [1, 2]], params)]
    assert len(set(seeds)) == 3
    of_sources = [request.seed for request in requests_of([[1, 2]] * 3, params, ["a", "b", "a"])]
    assert of_sources == [seeds[0], seeds[0], seeds[2]]
