"""The CRF equals enumeration of all sequences of tags."""

from itertools import pairwise, product

import pytest
import torch

from lingon.layers.crf import CRF, FORBIDDEN, Transitions, log_partition, violations, viterbi

K, LENGTHS = 3, (4, 1, 3, 0)  # the longest sentence has 3^4 = 81 sequences


def case(seed=0, scale=2.0):
    """Emissions [4, 4, K] of sentences of these lengths, their mask, and scores of transitions, in float64."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape):
        return scale * torch.randn(*shape, generator=generator, dtype=torch.float64)

    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    return drawn(len(LENGTHS), max(LENGTHS), K), mask, Transitions(drawn(K), drawn(K, K), drawn(K))


def score(emissions, path, scores):
    """The score of one sequence, added up by hand."""
    if not path:
        return torch.zeros((), dtype=torch.float64)
    total = scores.start[path[0]] + scores.end[path[-1]] + sum(emissions[t, tag] for t, tag in enumerate(path))
    return total + sum(scores.pairs[a, b] for a, b in pairwise(path))


def every_path(emissions, length, scores):
    return {path: score(emissions, path, scores) for path in product(range(K), repeat=length)}


def crf_of(scores):
    crf = CRF(K).double()
    crf.load_state_dict({"start": scores.start, "pairs": scores.pairs, "end": scores.end})
    return crf


def test_log_z_is_the_log_of_the_sum_over_all_sequences():
    emissions, mask, scores = case()
    found = log_partition(emissions, mask, scores)
    for row, length in enumerate(LENGTHS):
        paths = every_path(emissions[row], length, scores)
        assert len(paths) == K**length
        assert found[row].item() == pytest.approx(torch.stack([*paths.values()]).logsumexp(0).item(), abs=1e-10)


def test_the_probabilities_of_all_sequences_add_up_to_one():
    emissions, mask, scores = case(1)
    crf = crf_of(scores)
    for row, length in enumerate(LENGTHS[:3]):
        paths = torch.tensor([path + (0,) * (4 - length) for path in product(range(K), repeat=length)])
        many = emissions[row].expand(len(paths), -1, -1), paths, mask[row].expand(len(paths), -1)
        assert torch.exp(-crf(*many)).sum().item() == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_viterbi_finds_the_sequence_with_the_highest_score(seed):
    emissions, mask, scores = case(seed)
    found = viterbi(emissions, mask, scores)
    for row, length in enumerate(LENGTHS):
        paths = every_path(emissions[row], length, scores)
        assert tuple(found[row, :length].tolist()) == max(paths, key=paths.get)
        assert not found[row, length:].any()


def test_gradients_are_those_of_finite_differences():
    emissions, mask, scores = case(2, 0.7)
    tags = torch.tensor([[0, 2, 1, 1], [2, 0, 0, 0], [1, 0, 2, 0], [0, 0, 0, 0]])
    crf = crf_of(scores)
    given = [emissions.requires_grad_(), *crf.parameters()]

    def loss(emissions, *parameters):
        names = [name for name, _ in crf.named_parameters()]
        arguments = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(crf, arguments, (emissions, tags, mask))

    assert torch.autograd.gradcheck(loss, given)
    crf(emissions, tags, mask).sum().backward()
    assert not emissions.grad[~mask].any()  # padding leaks into nothing


def test_padding_changes_nothing():
    emissions, mask, scores = case(3)
    other = emissions.clone()
    other[~mask] = 77.0
    tags = torch.ones(4, 4, dtype=torch.long) * mask
    crf = crf_of(scores)
    assert torch.equal(crf(emissions, tags, mask), crf(other, tags, mask))
    assert torch.equal(viterbi(emissions, mask, scores), viterbi(other, mask, scores))
    alone = crf(emissions[2:3, :3], tags[2:3, :3], mask[2:3, :3])
    assert alone.item() == pytest.approx(crf(emissions, tags, mask)[2].item(), abs=1e-12)
    assert crf(emissions, tags, mask)[3] == 0


def test_what_is_forbidden_is_not_decoded():
    emissions, mask, scores = case(4)
    forbidden = Transitions(torch.zeros(K), torch.zeros(K, K), torch.zeros(K))
    forbidden.start[2] = forbidden.pairs[0, 2] = forbidden.end[1] = FORBIDDEN
    free, kept = viterbi(emissions, mask, scores), viterbi(emissions, mask, scores.plus(forbidden))
    bad = violations(free, mask, forbidden)
    assert bad.any()
    assert torch.equal(free[~bad], kept[~bad])
    for row, length in enumerate(LENGTHS):
        paths = every_path(emissions[row], length, scores)
        allowed = {
            path: value
            for path, value in paths.items()
            if not path or (path[0] != 2 and path[-1] != 1 and (0, 2) not in set(pairwise(path)))
        }
        assert tuple(kept[row, :length].tolist()) == max(allowed, key=allowed.get)
        assert bool(bad[row]) == (tuple(free[row, :length].tolist()) not in allowed)


def test_training_learns_which_tags_follow_each_other():
    """Emissions say nothing; the tags alternate 0 1 0 1, which only transitions can say."""
    crf = CRF(2)
    tags = torch.tensor([[0, 1, 0, 1, 0, 1, 0]])
    emissions, mask = torch.zeros(1, 7, 2), torch.ones(1, 7, dtype=torch.bool)
    optimizer = torch.optim.SGD(crf.parameters(), 0.5)
    before = crf(emissions, tags, mask).item()
    assert before == pytest.approx(7 * torch.tensor(2.0).log().item(), abs=1e-5)
    for _ in range(30):
        optimizer.zero_grad()
        crf(emissions, tags, mask).sum().backward()
        optimizer.step()
    assert crf(emissions, tags, mask).item() < 0.3 * before
    assert torch.equal(viterbi(emissions, mask, crf.transitions), tags)
