"""The adaptive softmax is a distribution, and its loss is that distribution's."""

import pytest
import torch

from lingon.core.errors import UserError
from lingon.layers.adaptive_softmax import AdaptiveSoftmax, default_cutoffs
from lingon.models.registry import build


def test_loss_and_log_probabilities_are_of_one_distribution():
    torch.manual_seed(0)
    layer = AdaptiveSoftmax(17, 31, [3, 11])
    hidden, targets = torch.randn(7, 17), torch.tensor([0, 2, 3, 10, 11, 30, 5])
    logs = layer(hidden.reshape(7, 1, 17))[:, 0]
    assert torch.allclose(logs.exp().sum(1), torch.ones(7), atol=1e-6)
    expected = -logs[torch.arange(7), targets].sum()
    assert torch.allclose(layer.loss(hidden, targets), expected, atol=1e-5)


def test_an_lstm_with_it_comes_back_from_its_config():
    model = build("lstm", {"vocab_size": 31, "width": 17, "hidden": 17, "cutoffs": [3, 11]})
    again = build("lstm", model.config())
    again.load_state_dict(model.state_dict())
    ids = torch.tensor([[1, 5, 30]])
    assert torch.equal(again.eval()(ids), model.eval()(ids))


@pytest.mark.parametrize("cutoffs", [[], [5, 3], [3, 3], [31], [0, 5]])
def test_impossible_cutoffs_are_refused(cutoffs):
    with pytest.raises(UserError, match="rising ids below the 31"):
        AdaptiveSoftmax(17, 31, cutoffs)


def test_too_narrow_for_its_groups():
    with pytest.raises(UserError, match="at least 16, not 7"):
        AdaptiveSoftmax(7, 31, [3, 11])


def test_tied_and_adaptive_are_refused():
    with pytest.raises(UserError, match="leave out tied"):
        build("lstm", {"vocab_size": 31, "width": 17, "hidden": 17, "tied": True, "cutoffs": [3]})


@pytest.mark.parametrize("size", [3, 16, 17, 32_000])
def test_the_usual_cutoffs_fit_any_vocabulary(size):
    AdaptiveSoftmax(16, size, default_cutoffs(size))
