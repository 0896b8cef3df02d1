"""Tasks from sequence to sequence that can be learned whole: to say a row of letters again, or backwards."""

import torch
import torch.nn.functional as F
from torch import nn


def batch_of(task, random, rows=32, longest=10, letters=17):
    """Sources of 1 to `longest` letters, and their targets, which end; lengths as they come."""
    lengths = torch.randint(1, longest + 1, (rows, 1), generator=random)
    places = torch.arange(longest + 1)
    source = torch.randint(3, 3 + letters, (rows, longest + 1), generator=random).where(places < lengths, 0)
    back = (lengths - 1 - places).clamp(min=0)
    target = source.gather(1, back).where(places < lengths, 0) if task == "reverse" else source.clone()
    target.scatter_(1, lengths, 2)
    return source[:, :longest], places[:longest] < lengths, target, places <= lengths


def train(model, task, steps, lr, **sizes):
    """Train by Adam with one cycle of the learning rate, and return the model in evaluation mode."""
    random = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps, pct_start=0.1)
    model.train()
    for _ in range(steps):
        source, mask, target, kept = batch_of(task, random, **sizes)
        read = F.pad(target, (1, 0), value=1)[:, :-1]
        loss = F.cross_entropy(model.head(model(source, mask, read)[kept]), target[kept])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    return model.eval()


@torch.no_grad()
def exact_match(model, task, rows=500, **sizes):
    """The share of new sources whose target is said whole, token by token, by the likeliest each time."""
    source, mask, target, kept = batch_of(task, torch.Generator().manual_seed(1), rows, **sizes)
    state, ids, right = model.new_state(model.encode(source, mask)), torch.full((rows, 1), 1), []
    for _ in range(target.shape[1]):
        hidden, state = model.hidden(ids, state)
        ids = model.head(hidden).argmax(-1)
        right.append(ids)
    return ((torch.cat(right, 1) == target) | ~kept).all(1).float().mean().item()
