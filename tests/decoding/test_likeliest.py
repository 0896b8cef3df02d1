"""The most probable tokens are those of a log_softmax of all of them in float64, however many there are."""

import pytest
import torch

from lingon.core.errors import NotFinite
from lingon.decoding import likeliest as module
from lingon.decoding.decoder_protocol import TokenSequence, apply_processors
from lingon.decoding.likeliest import likeliest
from lingon.decoding.logits_processors import no_repeat_ngram_size, repetition_penalty, suppress
from lingon.decoding.token_changes import token_changes
from lingon.decoding.token_rules import renormalize

NEVER = torch.tensor([3, 7])
ROWS = [TokenSequence([1, 2, 1], 1), TokenSequence([3, 3, 3], 1), TokenSequence([7, 0, 2, 7], 2)]


def changes(processors, rows=()):
    return token_changes(processors, rows, torch.device("cpu"))


@pytest.mark.parametrize("spread", [0.01, 3.0, 60.0])
@pytest.mark.parametrize("columns", [11, 1_024, 20_011])
def test_log_probabilities_are_those_of_log_softmax(columns, spread, monkeypatch):
    monkeypatch.setattr(module, "WORTH", 20_000)
    logits = torch.randn(5, columns, generator=torch.Generator().manual_seed(columns)) * spread
    logits[:, 5] = -torch.inf  # a model may forbid a token itself
    logits[1, NEVER[0]] = 70 * spread
    before = logits.clone()
    expected = logits.double().log_softmax(1).index_fill(1, NEVER, -torch.inf).topk(6)
    logprobs, tokens = likeliest(logits, 6, changes([suppress(NEVER)]))
    torch.testing.assert_close(logprobs, expected.values, atol=2e-6, rtol=1e-6)
    assert tokens.tolist() == expected.indices.tolist()
    assert torch.equal(logits, before)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_broken_logits_are_refused(broken):
    logits = torch.zeros(2, 5)
    logits[1, 2] = broken
    with pytest.raises(NotFinite, match="after 3 new tokens the model gave logits that are NaN"):
        likeliest(logits, 2, changes([suppress(NEVER[:1])]), "after 3 new tokens ")


@pytest.mark.parametrize("more", [[], [renormalize]])
@pytest.mark.parametrize("penalty", [1.7, 0.6])
def test_few_changed_tokens_are_as_the_processors_change_all(penalty, more):
    """Tokens that are penalized, that would come again, that never come; overlapping, and put back afterwards."""
    processors = [repetition_penalty(penalty), no_repeat_ngram_size(2), suppress(NEVER), *more]
    logits = torch.randn(3, 11, generator=torch.Generator().manual_seed(5)) * 2
    before = logits.clone()
    expected = apply_processors(processors, logits.double().log_softmax(1), ROWS).topk(4)
    logprobs, tokens = likeliest(logits, 4, changes(processors, ROWS))
    torch.testing.assert_close(logprobs, expected.values, atol=2e-6, rtol=1e-6)
    assert tokens.tolist() == expected.indices.tolist()
    assert torch.equal(logits, before)


def test_where_nothing_is_left_to_renormalize_nothing_can_come():
    logprobs, _ = likeliest(torch.zeros(1, 3), 2, changes([suppress(torch.arange(3)), renormalize]))
    assert logprobs.tolist() == [[-torch.inf] * 2]
