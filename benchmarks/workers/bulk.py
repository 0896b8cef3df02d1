"""Predicting many texts: our way, and the padded loop that people write first."""

import json

import torch
from serve import serve

from lingon.core.seed import seed_everything
from lingon.data.batches import collate
from lingon.data.tokenizers import Tokenizer
from lingon.models.registry import build
from lingon.tasks.classify import Classifier

state = {}


def start(model, config, tokenizer, texts, length, rows, threads):
    """Makes the model from a seed that both sides share. Weights are random: time does not depend on them."""
    torch.set_num_threads(threads)
    seed_everything(0)
    made = Tokenizer.load(tokenizer)
    net = build(model, config | {"vocab_size": len(made.vocab), "classes": 2}).eval()
    with open(texts, encoding="utf-8") as file:
        state.update(net=net, tokenizer=made, length=length, rows=rows, texts=json.load(file))
    state["classifier"] = Classifier(net, made, ["negative", "positive"], length)


def ours():
    """What `lingon predict` does: one call for all texts."""
    state["found"] = [list(p.probabilities.values()) for p in state["classifier"].predict(state["texts"])]


@torch.inference_mode()
def plain():
    """The texts in their order, 64 at a time, padded to the longest of the 64, with the same model and tokenizer."""
    found = []
    for begin in range(0, len(state["texts"]), state["rows"]):
        encoded = state["tokenizer"].encode_batch(state["texts"][begin : begin + state["rows"]])
        batch = collate([ids[: state["length"]] for ids in encoded])
        found += state["net"](batch.ids, batch.mask).softmax(-1).tolist()
    state["found"] = found


def found():
    """The probabilities that the last turn found."""
    return {"found": state["found"]}


serve(start=start, ours=ours, plain=plain, found=found)
