"""Exact likelihood against brute force; losses that carry; the epoch loss that the old tutorial printed wrongly."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lingon.core import progress
from lingon.data.batches import contiguous_batches
from lingon.engine.fit import TrainConfig, fit
from lingon.layers.losses import LogUniform
from lingon.metrics.likelihood import Likelihood, neural_cache, sliding_windows
from lingon.models.lstm import LSTM
from lingon.tasks.language_model.objective import Objective, cached_likelihood, carried_loss, likelihood, sampled

V = 13
TOKENS = np.random.default_rng(0).integers(0, V, 151)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return LSTM(V, 5, 7, 2)


def nats_of(model, tokens):
    tokens = torch.from_numpy(tokens)
    with torch.no_grad():
        return F.cross_entropy(model.eval()(tokens[None, :-1])[0], tokens[1:], reduction="none")


def test_every_token_is_predicted_once_with_its_whole_past(model):
    expected = nats_of(model, TOKENS).sum().item()
    found = likelihood(model, TOKENS, context=11, bytes=300)
    assert found.tokens == 150
    assert math.isclose(found.nats, expected, rel_tol=1e-5)
    assert math.isclose(found.perplexity, math.exp(expected / 150), rel_tol=1e-5)
    assert math.isclose(found.bits_per_byte, expected / math.log(2) / 300, rel_tol=1e-5)


def test_a_long_measurement_shows_how_far_it_is(model, monkeypatch, capsys):
    monkeypatch.delenv("LINGON_QUIET", raising=False)
    monkeypatch.setattr(progress, "LINE", 0.0)
    likelihood(model, TOKENS, context=11)
    assert "measuring: 150/150, " in capsys.readouterr().err


def test_lanes_start_without_a_past(model):
    parts = [nats_of(model, TOKENS[i : i + 31]).sum().item() for i in range(0, 150, 30)]
    found = likelihood(model, TOKENS, context=11, rows=5)
    assert math.isclose(found.nats, sum(parts), rel_tol=1e-5)


@pytest.mark.parametrize(("length", "context", "stride"), [(10, 4, 2), (10, 4, 4), (3, 7, 2), (11, 5, 3), (1, 1, 1)])
def test_windows_predict_each_token_once(length, context, stride):
    predicted = [i for start, stop, new in sliding_windows(length, context, stride) for i in range(stop - new, stop)]
    assert predicted == list(range(length))
    assert all(stop - start <= context for start, stop, _ in sliding_windows(length, context, stride))


def test_the_cache_by_hand():
    """Two earlier places, as in equation 3 of Grave et al. 2017."""
    hidden, targets = torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([5, 6, 5])
    votes = torch.tensor([math.exp(0.5 * 3 * 1), math.exp(0.5 * 3 * 2)])
    expected = torch.tensor([0.2, 0.9 * 0.3, 0.9 * 0.4 + 0.1 * votes[0] / votes.sum()])
    torch.testing.assert_close(neural_cache(hidden, targets, torch.tensor([0.2, 0.3, 0.4]), 0.1, 0.5), expected)


@pytest.mark.parametrize("window", [1, 7, 1000])
def test_the_cache_in_blocks_as_place_by_place(window):
    torch.manual_seed(0)
    hidden, targets, likely = torch.randn(61, 3), torch.randint(0, 5, (61,)), torch.rand(61)
    expected = likely.clone()
    for t in range(1, 61):
        past = range(max(0, t - window), t)
        votes = torch.stack([(0.662 * hidden[t] @ hidden[i]).exp() for i in past])
        same = torch.tensor([bool(targets[i] == targets[t]) for i in past])
        expected[t] = 0.8 * likely[t] + 0.2 * votes[same].sum() / votes.sum()
    torch.testing.assert_close(neural_cache(hidden, targets, likely, 0.2, window=window, at_once=11), expected)


def test_a_cache_helps_where_words_come_again(model):
    tokens = np.tile(TOKENS[:7], 30)
    assert cached_likelihood(model, tokens, flatness=9.0).nats < likelihood(model, tokens, 11).nats


def test_the_loss_printed_for_an_epoch_is_a_mean_per_token(model):
    """The old tutorial divided a sum of batch means by the number of examples and printed .0034 for .868."""
    lanes = contiguous_batches(TOKENS, batch_size=3, context_length=10)
    model.dropout.p = 0.0
    still = torch.optim.SGD(model.parameters(), lr=1e-12)
    history = fit(Objective(model), lanes, carried_loss, still, config=TrainConfig(epochs=1, log_every=len(lanes)))
    assert math.isclose(history.rows[-1]["loss"], likelihood(model, TOKENS, 10, rows=3).loss, rel_tol=1e-5)
    assert abs(history.rows[-1]["loss"] - math.log(V)) < 0.3


def test_states_are_carried_and_gradients_are_not(model):
    lanes = contiguous_batches(TOKENS, batch_size=3, context_length=10)
    loss, objective = carried_loss, Objective(model.eval())
    stretches = iter(lanes)
    first, second = next(stretches), next(stretches)
    before = loss(objective, first)
    found = loss(objective, second, before.carry)
    whole = model(torch.cat([first.ids, second.ids], 1))[:, 10:]
    expected = F.cross_entropy(whole.flatten(0, 1), second.targets.flatten())
    torch.testing.assert_close(found.total / found.count, expected)
    assert all(not t.requires_grad for t in found.carry.values())


def test_a_sampled_softmax_lowers_the_exact_loss(model):
    tokens = np.tile(TOKENS[:11], 40)
    before = likelihood(model, tokens, 11).loss
    lanes = contiguous_batches(tokens, batch_size=4, context_length=10)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    objective = Objective(model, sampled(LogUniform(V, 5)))
    fit(objective, lanes, carried_loss, optimizer, config=TrainConfig(epochs=8))
    assert likelihood(model, tokens, 11).loss < 0.7 * before


def test_infinite_perplexity_is_no_error():
    assert Likelihood(1e6, 10).perplexity == math.inf
