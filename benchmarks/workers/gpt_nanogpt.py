"""nanoGPT's model in the loop of its train.py, with its README's settings for CPUs."""

import math
import os
import sys
import time

import numpy as np
import torch
from serve import serve

sys.path.insert(0, os.environ["NANOGPT"])
from model import GPT, GPTConfig

RATE, LEAST, WARMUP, DECAY, BETAS, CLIP, LOOKS = 1e-3, 1e-4, 100, 0.1, (0.9, 0.99), 1.0, 20
state = {}


def start(tokens, vocab_size, layers, heads, width, context, rows, threads):
    """Reads the text and makes the model."""
    torch.set_num_threads(threads)
    parts = np.load(tokens, allow_pickle=False)
    state.update(train=parts["train"], valid=parts["valid"], context=context, rows=rows)
    sizes = {"n_layer": layers, "n_head": heads, "n_embd": width, "block_size": context, "vocab_size": vocab_size}
    state["config"] = GPTConfig(**sizes, bias=False, dropout=0.0)
    fresh()
    return {"weights": sum(p.numel() for p in state["model"].parameters())}


def fresh():
    """New weights and a new optimizer."""
    torch.manual_seed(1337)
    state["model"] = GPT(state["config"])
    state["optimizer"] = state["model"].configure_optimizers(DECAY, RATE, BETAS, "cpu")


def batch(part):
    """Stretches of the text from anywhere."""
    data, context = state[part], state["context"]
    begins = torch.randint(len(data) - context, (state["rows"],))
    x = torch.stack([torch.from_numpy(data[i : i + context].astype(np.int64)) for i in begins])
    y = torch.stack([torch.from_numpy(data[i + 1 : i + 1 + context].astype(np.int64)) for i in begins])
    return x, y


def rate(step, steps):
    """A short rise, then half a cosine down to a tenth."""
    if step < WARMUP:
        return RATE * (step + 1) / (WARMUP + 1)
    share = min(1.0, (step - WARMUP) / max(1, steps - WARMUP))
    return LEAST + 0.5 * (1 + math.cos(math.pi * share)) * (RATE - LEAST)


def one_step(step, steps, x, y):
    """One update; returns the loss and the next batch, which is drawn while the loss is on its way as in train.py."""
    for group in state["optimizer"].param_groups:
        group["lr"] = rate(step, steps)
    _, loss = state["model"](x, y)
    following = batch("train")
    loss.backward()
    torch.nn.utils.clip_grad_norm_(state["model"].parameters(), CLIP)
    state["optimizer"].step()
    state["optimizer"].zero_grad(set_to_none=True)
    return loss.item(), following


def run(steps):
    """Some steps, on and on."""
    x, y = batch("train")
    for step in range(steps):
        loss, (x, y) = one_step(step, steps, x, y)
    return {"loss": loss}


def train(seconds, steps):
    """A new training of so many seconds, whose rate falls over so many steps; the loss on all of the held-out text."""
    fresh()
    begin, step = time.perf_counter(), 0
    x, y = batch("train")
    while time.perf_counter() - begin < seconds:
        _, (x, y) = one_step(step, steps, x, y)
        step += 1
    return {"steps": step, "loss": held_out()}


@torch.no_grad()
def held_out():
    """Mean nats per character over stretches that lie end to end."""
    model, data, context = state["model"].eval(), state["valid"], state["context"]
    count = (len(data) - 1) // context
    ids = torch.from_numpy(data[: count * context + 1].astype(np.int64))
    x, y = ids[:-1].view(count, context), ids[1:].view(count, context)
    losses = [float(model(a, b)[1]) * len(a) for a, b in zip(x.split(256), y.split(256), strict=True)]
    model.train()
    return sum(losses) / count


serve(start=start, run=run, train=train)
