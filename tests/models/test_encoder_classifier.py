"""The classifier on an encoder: padding, pairs, gradients, a bundle that is whole without its source, refusals."""

import pytest
import torch

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.core.errors import UserError
from lingon.data.batches import collate
from lingon.data.tokenizers import words
from lingon.models.encoder_classifier import EncoderClassifier
from lingon.models.registry import build
from lingon.tasks.classify import Classifier
from tests.contracts.test_encoders import TEXTS, made
from tests.models.encoder_configs import ENCODERS

FRESH = {"vocab_size": 89, "classes": 3, "width": 6, "depth": 2, "heads": 3, "context_length": 29}


def classifier(name="bert", pooling="mean"):
    torch.manual_seed(3)
    return EncoderClassifier(made(name), 3, pooling).eval()


@pytest.mark.parametrize("name", ENCODERS)
@torch.no_grad()
def test_logits_are_a_linear_layer_on_the_pooled_vector(name):
    for pooling in ("mean", "cls", "max"):
        model, batch = classifier(name, pooling), collate(TEXTS)
        found = model(batch.ids, batch.mask)
        for row, text in zip(found, TEXTS, strict=True):
            hidden = model.encoder(torch.tensor([text]), torch.ones(1, len(text), dtype=torch.bool))[0]
            pooled = {"mean": hidden.mean(0), "cls": hidden[0], "max": hidden.max(0).values}[pooling]
            assert (row - (model.output.weight @ pooled + model.output.bias)).abs().max() < 1e-4


@pytest.mark.parametrize("name", ENCODERS)
def test_made_again_of_its_configuration_alone(name):
    model = classifier(name, "cls")
    again = build("encoder", model.config()).eval()
    again.load_state_dict(model.state_dict())
    batch = collate(TEXTS)
    with torch.no_grad():
        assert torch.equal(again(batch.ids, batch.mask), model(batch.ids, batch.mask))


def test_token_types_reach_the_encoder():
    model, batch = classifier(), collate(TEXTS)
    with torch.no_grad():
        plain, typed = model(batch.ids, batch.mask), model(batch.ids, batch.mask, torch.ones_like(batch.ids))
    assert (plain - typed).abs().max() > 1e-3


def test_every_parameter_gets_a_gradient():
    model, batch = build("encoder", FRESH), collate(TEXTS)
    model(batch.ids, batch.mask).sum().backward()
    unused = {key for key, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    # Adding one vector to all keys changes no weight of attention.
    assert unused <= {"encoder.blocks.0.attention.qkv.bias"}


def test_a_bundle_is_whole_without_its_source(tmp_path):
    tokenizer = words(["good film", "bad film", "dull", "warm"])
    rows = len(tokenizer.vocab) + 7  # published models have rows to spare
    config = {**ENCODERS["roberta"], "vocab_size": rows}
    model = EncoderClassifier(build("roberta", config), 2).eval()
    folder = save_bundle(Classifier(model, tokenizer, ["bad", "good"]), "encoder", tmp_path / "b", {})
    again = lingon.load(folder)
    texts = ["good film", "dull", "a warm and good film"]
    assert again.predict(texts) == Classifier(model, tokenizer, ["bad", "good"]).predict(texts)
    assert again.model.config()["encoder"] == {"model": "roberta", "config": config}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": {"model": "gpt", "config": {"vocab_size": 11}}}, "the model 'gpt' is not an encoder"),
        ({"encoder": {"model": "bert"}}, "key 'encoder' has .*expected model and config"),
        ({"encoder": 3}, "key 'encoder' is '3', expected an object"),
        ({"encoder": {"model": "os.path", "config": {}}}, "unknown model 'os.path'"),
        ({"pooling": "middle"}, "key 'pooling' is 'middle', expected mean or cls or max"),
    ],
)
def test_a_wrong_configuration_is_refused(change, message):
    with pytest.raises(UserError, match=message):
        build("encoder", FRESH | change)
