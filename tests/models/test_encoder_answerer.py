"""The answerer on an encoder: a linear layer on each token, whatever stands beside it, and whole without its source."""

import pytest
import torch

from lingon.core.errors import UserError
from lingon.data.batches import collate
from lingon.models.encoder_answerer import EncoderAnswerer
from lingon.models.registry import build
from tests.contracts.test_encoders import TEXTS, made


def answerer():
    torch.manual_seed(3)
    return EncoderAnswerer(made("bert")).eval()


@torch.no_grad()
def test_logits_are_a_linear_layer_on_each_token_alone_or_in_a_batch():
    model, batch = answerer(), collate(TEXTS)
    found = model(batch.ids, batch.mask)
    assert found.shape == (*batch.ids.shape, 2)
    for row, text in zip(found, TEXTS, strict=True):
        hidden = model.encoder(torch.tensor([text]), torch.ones(1, len(text), dtype=torch.bool))[0]
        wanted = hidden @ model.output.weight.T + model.output.bias
        assert (row[: len(text)] - wanted).abs().max() < 1e-4
    typed = model(batch.ids, batch.mask, torch.ones_like(batch.ids))
    assert (typed - found).abs().max() > 1e-3


@torch.no_grad()
def test_made_again_of_its_configuration_alone():
    model, batch = answerer(), collate(TEXTS)
    again = build("encoder_answerer", model.config()).eval()
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(batch.ids, batch.mask), model(batch.ids, batch.mask))
    other = model.config() | {"encoder": {"model": "textcnn", "config": {"vocab_size": 30, "classes": 2}}}
    with pytest.raises(UserError, match="the model 'textcnn' is not an encoder"):
        build("encoder_answerer", other)
