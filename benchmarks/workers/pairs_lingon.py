"""Our way of training a translator: the model, batches by both lengths, the loss in chunks, and the loop."""

import json

import numpy as np
import torch
from serve import serve

from lingon.core.seed import seed_everything
from lingon.data.batches import ByPairLength, Loader, TokenIds
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adam
from lingon.engine.precision import bfloat16, float32
from lingon.kernels.allocator import keep_freed_memory
from lingon.models.transformer import Transformer
from lingon.tasks.translate.objective import TranslationObjective, pair_loss

state = {"turn": 0}


def start(data, sizes, max_tokens, lr, label_smoothing, threads):
    """Makes the model; returns the number of weights."""
    torch.set_num_threads(threads)
    keep_freed_memory()  # as the recipe does
    seed_everything(0)
    with open(data, encoding="utf-8") as file:
        pairs = json.load(file)
    special = {"pad_id": pairs["pad"], "start_id": pairs["end"], "eos_id": pairs["end"]}
    objective = TranslationObjective(Transformer(pairs["vocab_size"], **sizes, **special), label_smoothing)
    columns = {
        f"{name}s": TokenIds(pairs[f"{name}s"], pad=pairs["pad"], prefix=f"{name}_") for name in ("source", "target")
    }
    lengths = [np.array([len(row) for row in pairs[name]]) for name in ("sources", "targets")]
    state.update(objective=objective, columns=columns, lengths=lengths, max_tokens=max_tokens)
    state["optimizer"] = adam(objective, lr)
    return {"weights": sum(p.numel() for p in objective.parameters())}


def run(precision):
    """Trains once over all pairs, in a new order; returns the loss, the steps and the share of padding."""
    state["turn"] += 1
    loader = Loader(state["columns"], ByPairLength(*state["lengths"], state["max_tokens"], seed=state["turn"]))
    made = {"float32": float32, "bfloat16": bfloat16}[precision]()
    config = TrainConfig(epochs=1, max_grad_norm=1.0, precision=made, log_every=len(loader))
    history = fit(state["objective"], loader, pair_loss, state["optimizer"], config=config)
    return {"loss": history.rows[-1]["loss"], "steps": len(loader), "padding": loader.padding}


serve(start=start, run=run)
