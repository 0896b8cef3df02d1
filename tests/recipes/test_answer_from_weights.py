"""Answerers that start from weights: every tuning, heads of other tasks, training further, refitting and resuming."""

import pytest
import torch

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.core.errors import UserError
from lingon.data.tokenizers import words
from lingon.models.encoder_classifier import EncoderClassifier
from lingon.models.masked_encoder import MaskedEncoder
from lingon.models.registry import build
from lingon.tasks.classify import Classifier
from lingon.tasks.embed import Embedder
from lingon.tasks.masked_language_model import MaskedLanguageModel
from tests.tasks.test_answer import table

RUN = {"arguments": {}, "data": {}}
SETTINGS = {"max_length": 24, "doc_stride": 4, "lr": 0.01, "steps": 4, "evals": 1, "device": "cpu"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A table of questions, and the weights of an encoder under the head of each task."""
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "mine.jsonl", 8)
    torch.manual_seed(3)
    texts = [(tmp_path / "mine.jsonl").read_text()] * 2
    tokenizer = words(texts).with_template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1")
    tokenizer.library.add_special_tokens(["[MASK]"])
    tokenizer = type(tokenizer)(tokenizer.library)
    sizes = {"vocab_size": len(tokenizer.vocab), "width": 8, "depth": 2, "heads": 2, "context_length": 30}
    encoder = build("bert", sizes)
    save_bundle(Embedder(encoder, tokenizer), "bert", tmp_path / "embed", RUN)
    save_bundle(Classifier(EncoderClassifier(encoder, 2), tokenizer, ["a", "b"]), "encoder", tmp_path / "classify", RUN)
    save_bundle(MaskedLanguageModel(MaskedEncoder(encoder), tokenizer), "masked_encoder", tmp_path / "masked", RUN)
    return encoder


def trained(source, out, **more):
    return lingon.train("answer", "mine.jsonl", from_=source, out=out, settings=SETTINGS | more)


def changed(task, encoder):
    own, given = task.model.encoder.state_dict(), encoder.state_dict()
    return {name for name in given if not torch.equal(own[name], given[name])}


@pytest.mark.parametrize("source", ["embed", "classify", "masked"])
def test_the_encoder_of_each_task_gets_a_head(here, source):
    task = trained(source, "run", layer_lr_decay=0.5, head_lr=0.02)
    assert changed(task, here)
    assert (task.max_length, task.doc_stride) == (24, 4)


@pytest.mark.parametrize("tuning", ["frozen", "lora", "head-first"])
def test_each_tuning_changes_what_it_says(here, tuning):
    more = {"lora_layers": "query"} if tuning == "lora" else {}
    task = trained("embed", "run", tuning=tuning, **more)
    names = changed(task, here)
    if tuning == "frozen":
        assert not names
    elif tuning == "lora":
        assert names
        assert all("attention" in name for name in names)
    else:
        assert len(names) > 20


def test_an_answerer_is_trained_further_and_refitted(here):
    first = trained("embed", "first")
    again = trained("first", "again", max_length=None, doc_stride=None, refit=True)
    assert again.max_length == 24
    assert changed(again, first.model.encoder)


def test_what_has_no_such_encoder_is_refused(here):
    tokenizer = words(["a b"])
    bag = build("bag", {"vocab_size": len(tokenizer.vocab), "classes": 2, "width": 3})
    save_bundle(Classifier(bag, tokenizer, ["a", "b"]), "bag", "bag", RUN)
    with pytest.raises(UserError, match="--from bag is a classifier; expected an encoder of blocks, such as minilm-l6"):
        trained("bag", "run")
    with pytest.raises(UserError, match="--max-length is 40, but embed reads 30 tokens at most"):
        trained("embed", "run", max_length=40)


def test_a_run_that_was_stopped_ends_as_one_that_was_not(here, monkeypatch):
    from lingon.tasks.answer import Answerer

    whole, loss, seen = trained("embed", "whole"), Answerer.loss, []

    def stopped(self, model, batch):
        seen.append(1)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return loss(self, model, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Answerer, "loss", stopped)
        with pytest.raises(KeyboardInterrupt):
            trained("embed", "stopped")
    again = lingon.train("answer", "mine.jsonl", from_="embed", out="stopped", resume=True, settings=SETTINGS)
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, again.model.state_dict()[name]), name
