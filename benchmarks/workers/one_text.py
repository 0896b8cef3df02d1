"""One text at a time: the model in PyTorch as it is, or its exported ONNX file in onnxruntime."""

import json
import tempfile
from pathlib import Path

import torch
from serve import serve

from lingon.checkpoints.bundle import save_bundle
from lingon.checkpoints.load import load
from lingon.core.seed import seed_everything
from lingon.data.batches import collate
from lingon.data.tokenizers import Tokenizer
from lingon.models.registry import build
from lingon.tasks.classify import Classifier

state = {}


def start(model, config, tokenizer, texts, length, threads):
    """Makes the model from a seed that both sides share. Weights are random: time does not depend on them."""
    torch.set_num_threads(threads)
    seed_everything(0)
    made = Tokenizer.load(tokenizer)
    net = build(model, config | {"vocab_size": len(made.vocab), "classes": 2}).eval()
    _take(Classifier(net, made, ["negative", "positive"], length), texts)
    state["run"] = net
    state["model"] = model


def start_bundle(bundle, texts, threads):
    """A trained model."""
    torch.set_num_threads(threads)
    _take(load(bundle), texts)


def export(threads):
    """From here on the exported file is what runs; for n-grams their rows are made in Python, and timed with it."""
    from lingon.export.onnx import run_onnx
    from lingon.export.portable import export as export_bundle
    from lingon.models.ngram_rows import rows_and_counts

    model = state["classifier"].model
    ngrams = state["model"] == "ngrams"
    threads = 1 if ngrams else threads  # a second one would have to be woken for a few microseconds of work
    with tempfile.TemporaryDirectory() as folder:
        bundle = save_bundle(state["classifier"], state["model"], Path(folder) / "bundle", {})
        session = run_onnx(export_bundle(bundle, "onnx").folder / "model.onnx", threads)
    state["run"] = (lambda ids, mask: session(*rows_and_counts(model, ids, mask))) if ngrams else session


@torch.inference_mode()
def run():
    """From ids to logits, one text after the other."""
    state["found"] = [state["run"](ids, mask)[0].tolist() for ids, mask in state["batches"]]


def whole():
    """From text to logits, one text after the other: what a program does that answers as texts come."""
    state["found"] = [state["classifier"].logits([text])[0].tolist() for text in state["texts"]]


def found():
    """The logits that the last turn found."""
    return {"found": state["found"]}


def _take(classifier, texts):
    with open(texts, encoding="utf-8") as file:
        held = json.load(file)
    batches = [collate([ids]) for ids in classifier.encode(held)]
    state.update(classifier=classifier, texts=held, batches=[(batch.ids, batch.mask) for batch in batches])


serve(start=start, start_bundle=start_bundle, export=export, run=run, whole=whole, found=found)
