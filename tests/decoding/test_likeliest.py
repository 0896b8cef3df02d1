"""The likeliest tokens are those of a log_softmax of all of them in float64, however many there are."""

import pytest
import torch

from lingon.core.errors import NotFinite
from lingon.decoding import likeliest as module
from lingon.decoding.likeliest import likeliest

NEVER = torch.tensor([3, 7])


@pytest.mark.parametrize("spread", [0.01, 3.0, 60.0])
@pytest.mark.parametrize("columns", [11, 1_024, 20_011])
def test_log_probabilities_are_those_of_log_softmax(columns, spread, monkeypatch):
    monkeypatch.setattr(module, "WORTH", 20_000)
    logits = torch.randn(5, columns, generator=torch.Generator().manual_seed(columns)) * spread
    logits[:, 5] = -torch.inf  # a model may forbid a token itself
    logits[1, NEVER[0]] = 70 * spread
    before = logits.clone()
    expected = logits.double().log_softmax(1).index_fill(1, NEVER, -torch.inf).topk(6)
    logprobs, tokens = likeliest(logits, 6, NEVER)
    torch.testing.assert_close(logprobs, expected.values, atol=2e-6, rtol=1e-6)
    assert tokens.tolist() == expected.indices.tolist()
    assert torch.equal(logits, before)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_broken_logits_are_refused(broken):
    logits = torch.zeros(2, 5)
    logits[1, 2] = broken
    with pytest.raises(NotFinite, match="after 3 new tokens the model gave logits that are NaN"):
        likeliest(logits, 2, NEVER[:1], "after 3 new tokens ")
