"""The way of PyTorch's word_language_model example, written anew: all logits at once, and SGD by hand."""

import numpy as np
import torch
from serve import serve
from torch import nn

state = {}


class Model(nn.Module):
    """Embedding, two LSTM layers, a linear layer, log probabilities."""

    def __init__(self, vocab_size, width):
        super().__init__()
        self.encoder, self.lstm = nn.Embedding(vocab_size, width), nn.LSTM(width, width, 2)
        self.decoder = nn.Linear(width, vocab_size)

    def forward(self, ids, hidden):
        out, hidden = self.lstm(self.encoder(ids), hidden)
        return nn.functional.log_softmax(self.decoder(out).view(-1, self.decoder.out_features), 1), hidden


def start(tokens, weights, vocab_size, width, rows, context, lr, clip, threads):
    """Makes the model from the weights of a file that both sides read."""
    torch.set_num_threads(threads)
    model, given = Model(vocab_size, width), np.load(weights, allow_pickle=False)
    names = {"embedding.weight": "encoder.weight", "output.weight": "decoder.weight", "output.bias": "decoder.bias"}
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name in given.files:
            layer = f"lstm.{name.split('.')[-1][:-1]}{name.split('.')[1]}" if name.startswith("layers") else names[name]
            own[layer].copy_(torch.from_numpy(given[name]))
    train = torch.from_numpy(np.load(tokens, allow_pickle=False)["train"])
    length = (len(train) - 1) // rows
    lanes = torch.stack([train[i * length : (i + 1) * length + 1] for i in range(rows)], 1)
    state.update(model=model, lanes=lanes, context=context, lr=lr, clip=clip, width=width, rows=rows)


def run():
    """Trains once over the tokens; returns the mean loss."""
    model, lanes, losses = state["model"], state["lanes"], []
    hidden = tuple(torch.zeros(2, state["rows"], state["width"]) for _ in range(2))
    model.train()
    for begin in range(0, len(lanes) - 1, state["context"]):
        end = min(begin + state["context"], len(lanes) - 1)
        model.zero_grad()
        hidden = tuple(h.detach() for h in hidden)
        found, hidden = model(lanes[begin:end], hidden)
        loss = nn.functional.nll_loss(found, lanes[begin + 1 : end + 1].reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), state["clip"])
        for p in model.parameters():
            p.data.add_(p.grad, alpha=-state["lr"])
        losses.append((loss.item(), end - begin))
    return {"loss": sum(mean * count for mean, count in losses) / sum(count for _, count in losses)}


serve(start=start, run=run)
