"""The 2019 tutorial's way of training: Gluon models, every review padded or cut to 500 tokens, batches of 64.

Hybridized with static memory, the wheel's oneDNN kernels, Adam, the sizes of ours.
"""

import json

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn, rnn
from serve import serve


class TextCNN(gluon.HybridBlock):
    """Filters over 3, 4 and 5 tokens, their maxima over time, dropout, a dense layer."""

    def __init__(self, vocab_size, width, channels, kernels, dropout):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, width)
        self.convs = nn.HybridSequential()
        for kernel in kernels:
            self.convs.add(nn.Conv1D(channels, kernel, in_channels=width, activation="relu"))
        self.pool, self.dropout = nn.GlobalMaxPool1D(), nn.Dropout(dropout)
        self.out = nn.Dense(2, in_units=channels * len(kernels))

    def hybrid_forward(self, F, ids):
        x = self.embedding(ids).transpose((0, 2, 1))
        found = [F.flatten(self.pool(conv(x))) for conv in self.convs._children.values()]
        return self.out(self.dropout(F.concat(*found, dim=1)))


class BiLSTM(gluon.HybridBlock):
    """A two-way LSTM; the last state of each direction, padding read like text, goes to a dense layer."""

    def __init__(self, vocab_size, width, hidden, depth, dropout):
        super().__init__()
        self.hidden = hidden
        self.embedding, self.dropout = nn.Embedding(vocab_size, width), nn.Dropout(dropout)
        self.lstm = rnn.LSTM(hidden, num_layers=depth, bidirectional=True, input_size=width, dropout=dropout)
        self.out = nn.Dense(2, in_units=2 * hidden)

    def hybrid_forward(self, F, ids):
        states = self.lstm(self.dropout(self.embedding(ids.transpose((1, 0)))))
        first = F.squeeze(F.slice_axis(states, axis=0, begin=0, end=1), axis=0)
        last = F.squeeze(F.slice_axis(states, axis=0, begin=-1, end=None), axis=0)
        ahead = F.slice_axis(last, axis=1, begin=0, end=self.hidden)
        back = F.slice_axis(first, axis=1, begin=self.hidden, end=None)
        return self.out(self.dropout(F.concat(ahead, back, dim=1)))


class SelfAttentive(gluon.HybridBlock):
    """A two-way LSTM read through structured self-attention; returns logits and the penalty ||A A^T - I||^2."""

    def __init__(self, vocab_size, width, hidden, attention, hops, dropout):
        super().__init__()
        self.hops = hops
        self.embedding, self.dropout = nn.Embedding(vocab_size, width), nn.Dropout(dropout)
        self.lstm = rnn.LSTM(hidden, num_layers=1, bidirectional=True, input_size=width)
        self.first = nn.Dense(attention, use_bias=False, flatten=False, activation="tanh", in_units=2 * hidden)
        self.second = nn.Dense(hops, use_bias=False, flatten=False, in_units=attention)
        self.out = nn.Dense(2, in_units=hops * 2 * hidden)

    def hybrid_forward(self, F, ids):
        states = self.lstm(self.dropout(self.embedding(ids.transpose((1, 0))))).transpose((1, 0, 2))
        weights = F.softmax(self.second(self.first(states)).transpose((0, 2, 1)), axis=-1)
        logits = self.out(self.dropout(F.flatten(F.batch_dot(weights, states))))
        alike = F.batch_dot(weights, weights, transpose_b=True)
        penalty = F.sum(F.square(F.broadcast_sub(alike, F.expand_dims(F.eye(self.hops), 0))), axis=(1, 2))
        return logits, penalty


MODELS = {"textcnn": TextCNN, "bilstm": BiLSTM, "self_attentive": SelfAttentive}
state = {}


def start(model, sizes, data, rows, length, lr, penalty_weight, seed):
    """Makes the model and pads the reviews; neither is timed. Returns the number of weights and the versions."""
    mx.random.seed(seed)
    net = MODELS[model](**sizes)
    net.initialize(mx.init.Xavier())
    net.hybridize(static_alloc=True, static_shape=True)
    with open(data, encoding="utf-8") as file:
        reviews = json.load(file)
    ids = np.zeros((len(reviews["ids"]), length), np.int32)
    for row, review in zip(ids, reviews["ids"]):  # noqa: B905
        row[: len(review)] = review[:length]
    state.update(net=net, ids=ids, labels=np.array(reviews["labels"], np.float32), rows=rows, weight=penalty_weight)
    state["trainer"] = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": lr})
    state["random"] = np.random.RandomState(seed)
    weights = sum(int(np.prod(p.shape)) for p in net.collect_params().values())
    used = mx.runtime.Features().is_enabled("MKLDNN")
    return {"weights": weights, "versions": {"mxnet": mx.__version__, "numpy": np.__version__}, "oneDNN": used}


def run():
    """Trains once over all reviews, in a new order; returns the mean loss."""
    net, trainer, rows = state["net"], state["trainer"], state["rows"]
    loss_of, total = gluon.loss.SoftmaxCrossEntropyLoss(), 0.0
    order = state["random"].permutation(len(state["ids"]))
    for begin in range(0, len(order), rows):
        chosen = order[begin : begin + rows]
        ids, labels = nd.array(state["ids"][chosen], dtype="int32"), nd.array(state["labels"][chosen])
        with autograd.record():
            out = net(ids)
            logits, penalty = out if isinstance(out, (list, tuple)) else (out, 0.0)
            loss = loss_of(logits, labels)
            whole = loss + state["weight"] * penalty
        whole.backward()
        trainer.step(len(chosen))
        total += float(loss.sum().asscalar())
    nd.waitall()
    return {"loss": total / len(order)}


serve(start=start, run=run)
