"""Our way of training: the models, batches and the loop of Lingon, as the recipes use them."""

import json

import torch
from serve import serve

from lingon.core.seed import seed_everything
from lingon.data.batches import text_batches
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.loss import Loss
from lingon.engine.optimizers import adam
from lingon.engine.training_parts import PRECISIONS
from lingon.models.registry import build
from lingon.tasks.classify import penalty_of

state = {}


def loss(model, batch):
    """The cross-entropy of a batch, and what the model adds to it."""
    plain, rows = torch.nn.functional.cross_entropy(model(batch.ids, batch.mask), batch.labels), len(batch.labels)
    state["losses"].append((float(plain.detach()), rows))
    return Loss((plain + penalty_of(model)) * rows, rows)


def start(model, sizes, data, rows, length, lr, threads, seed):
    """Makes the model; returns the number of weights."""
    torch.set_num_threads(threads)
    seed_everything(seed)
    net = build(model, sizes)
    with open(data, encoding="utf-8") as file:
        reviews = json.load(file)
    # The budget is that of a full batch of the longest reviews, so that `rows` alone decides and steps are theirs.
    state.update(
        net=net, reviews=reviews, optimizer=adam(net, lr), rows=rows, length=length, tokens=rows * length, turn=seed
    )
    return {"weights": sum(p.numel() for p in net.parameters())}


def run(precision="float32"):
    """Trains once over all reviews, in a new order; returns the mean loss and the share of padding."""
    state["turn"], state["losses"] = state["turn"] + 1, []
    batches = text_batches(
        state["reviews"]["ids"],
        state["reviews"]["labels"],
        max_tokens=state["tokens"],
        batch_size=state["rows"],
        max_length=state["length"],
        seed=state["turn"],
    )
    config = TrainConfig(epochs=1, precision=PRECISIONS[precision]())
    fit(state["net"], batches, loss, state["optimizer"], config=config)
    total = sum(mean * count for mean, count in state["losses"])
    return {"loss": total / len(state["reviews"]["ids"]), "padding": batches.padding, "steps": len(batches)}


serve(start=start, run=run)
