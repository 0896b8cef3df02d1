"""Our way of training the same GPT: windows of the text, the loop of the engine."""

import time

import numpy as np
import torch
from serve import serve

from lingon.core.seed import seed_everything
from lingon.data.batches import shuffled_windows
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw
from lingon.engine.schedule import cosine, warmup
from lingon.kernels.allocator import keep_freed_memory
from lingon.models.gpt import GPT
from lingon.tasks.language_model.objective import Objective, fresh_loss, likelihood

RATE, RISE, DECAY, BETAS, CLIP = 4e-3, 0.05, 0.1, (0.9, 0.99), 1.0
state = {}


def start(tokens, vocab_size, layers, heads, width, context, rows, threads):
    """Reads the text and makes the model."""
    torch.set_num_threads(threads)
    keep_freed_memory()  # as the recipe does
    parts = np.load(tokens, allow_pickle=False)
    state.update(train=parts["train"], valid=parts["valid"], context=context, rows=rows)
    state["sizes"] = {
        "vocab_size": vocab_size,
        "depth": layers,
        "heads": heads,
        "width": width,
        "context_length": context,
    }
    fresh()
    return {"weights": sum(p.numel() for p in state["model"].parameters())}


def fresh():
    """New weights and a new optimizer."""
    seed_everything(1337)
    state["model"] = GPT(**state["sizes"], bias=False)
    state["objective"] = Objective(state["model"])
    state["optimizer"] = adamw(state["objective"], RATE, DECAY, BETAS)


def run(steps):
    """Some steps, on and on."""
    rise = max(1, round(RISE * steps))
    config = TrainConfig(
        steps=steps, max_grad_norm=CLIP, schedule=warmup(rise, cosine(steps - rise, end=0.05)), log_every=50
    )
    batches = shuffled_windows(state["train"], state["rows"], state["context"], 0)
    history = fit(state["objective"], batches, fresh_loss, state["optimizer"], config=config)
    return {"loss": history.rows[-1]["loss"]}


def train(seconds, steps):
    """A new training of so many steps as should take so many seconds; the loss on all of the held-out text."""
    fresh()
    begin = time.perf_counter()
    run(steps)
    taken = time.perf_counter() - begin
    return {"steps": steps, "seconds_of_training": taken, "loss": held_out()}


def held_out():
    """Mean nats per character over stretches that lie end to end."""
    data, context = state["valid"].astype(np.int64), state["context"]
    count = (len(data) - 1) // context
    return likelihood(state["model"], data[: count * context + 1], context, rows=256, stride=context).loss


serve(start=start, run=run, train=train)
