"""Our way of training an LSTM language model: lanes, carried states, the exact loss in chunks or a sampled one."""

import numpy as np
import torch
from serve import serve

from lingon.core.seed import seed_everything
from lingon.data.batches import contiguous_batches
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import sgd
from lingon.engine.precision import bfloat16, float32
from lingon.kernels.allocator import keep_freed_memory
from lingon.layers.losses import LogUniform
from lingon.models.lstm import LSTM
from lingon.tasks.language_model.objective import Objective, carried_loss, exact, likelihood, sampled

state = {}


def start(tokens, weights, vocab_size, width, rows, context, lr, clip, samples, precision, threads, seed):
    """Makes the model from the weights of a file that both sides read."""
    torch.set_num_threads(threads)
    keep_freed_memory()  # as the recipe does
    seed_everything(seed)
    model = LSTM(vocab_size, width, width, 2, dropout=0.0)
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.from_numpy(np.load(weights, allow_pickle=False)[name]))
    softmax = sampled(LogUniform(vocab_size, samples)) if samples else exact
    objective = Objective(model, softmax)
    parts = np.load(tokens, allow_pickle=False)
    state.update(model=model, objective=objective, train=parts["train"], test=parts["test"], rows=rows)
    state.update(context=context, optimizer=sgd(objective, lr), clip=clip)
    state["precision"] = {"float32": float32, "bfloat16": bfloat16}[precision]()
    return {"weights": sum(p.numel() for p in model.parameters())}


def run():
    """Trains once over the tokens; returns the mean loss that was trained on."""
    lanes = contiguous_batches(state["train"], state["rows"], state["context"])
    config = TrainConfig(epochs=1, max_grad_norm=state["clip"], precision=state["precision"], log_every=len(lanes))
    history = fit(state["objective"], lanes, carried_loss, state["optimizer"], config=config)
    return {"loss": history.rows[-1]["loss"], "steps": history.steps}


def test():
    """The exact perplexity of the test text."""
    return {"perplexity": likelihood(state["model"], state["test"], 256, rows=8).perplexity}


serve(start=start, run=run, test=test)
