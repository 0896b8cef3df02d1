"""Plain PyTorch: nn.Transformer over padded batches of shuffled pairs, and the cross-entropy of all positions."""

import json
import math
import random

import torch
from serve import serve
from torch import nn

state = {"turn": 0}


class Translator(nn.Module):
    """One embedding for both sides and the last layer, sines and cosines, and PyTorch's layers."""

    def __init__(self, vocab_size, width, depth, heads, ffn_width, dropout, pad):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.layers = nn.Transformer(width, heads, depth, depth, ffn_width, dropout, batch_first=True, norm_first=True)
        self.dropout, self.width, self.pad = nn.Dropout(dropout), width, pad
        angles = torch.arange(256)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
        self.register_buffer("positions", torch.stack([angles.sin(), angles.cos()], 2).flatten(1))

    def embed(self, ids):
        return self.dropout(self.embedding(ids) * math.sqrt(self.width) + self.positions[: ids.shape[1]])

    def forward(self, source, target):
        padding, causal = source == self.pad, nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        hidden = self.layers(
            self.embed(source),
            self.embed(target),
            tgt_mask=causal,
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
            tgt_is_causal=True,
        )
        return hidden @ self.embedding.weight.T


def start(data, sizes, max_tokens, lr, label_smoothing, threads):
    """Makes the model; returns the number of weights."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    with open(data, encoding="utf-8") as file:
        pairs = json.load(file)
    model = Translator(pairs["vocab_size"], **sizes, pad=pairs["pad"])
    loss = nn.CrossEntropyLoss(ignore_index=pairs["pad"], label_smoothing=label_smoothing)
    state.update(pairs=pairs, model=model, loss=loss, max_tokens=max_tokens)
    state["optimizer"] = torch.optim.Adam(model.parameters(), lr)
    return {"weights": sum(p.numel() for p in model.parameters()), "versions": {"torch": torch.__version__}}


def batches():
    """Yields shuffled pairs, padded, of at most so many positions on both sides together."""
    pairs, rows, longest = state["pairs"], [], (0, 0)
    order = list(range(len(pairs["sources"])))
    random.Random(state["turn"]).shuffle(order)
    for i in order:
        grown = max(longest[0], len(pairs["sources"][i])), max(longest[1], len(pairs["targets"][i]))
        if rows and sum(grown) * (len(rows) + 1) > state["max_tokens"]:
            yield padded("sources", rows), padded("targets", rows)
            rows, grown = [], (len(pairs["sources"][i]), len(pairs["targets"][i]))
        rows.append(i)
        longest = grown
    yield padded("sources", rows), padded("targets", rows)


def padded(side, rows):
    """The ids of these pairs as one tensor."""
    texts = [torch.tensor(state["pairs"][side][i]) for i in rows]
    return nn.utils.rnn.pad_sequence(texts, batch_first=True, padding_value=state["pairs"]["pad"])


def run():
    """Trains once over all pairs; returns the mean of the losses of the batches."""
    state["turn"] += 1
    model, optimizer, losses = state["model"].train(), state["optimizer"], []
    for source, target in batches():
        read = torch.cat([target.new_full((len(target), 1), state["pairs"]["end"]), target[:, :-1]], 1)
        loss = state["loss"](model(source, read).flatten(0, 1), target.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return {"loss": sum(losses) / len(losses), "steps": len(losses)}


serve(start=start, run=run)
