"""The 2019 tutorial's way of training its LSTM language model: Gluon layers, hybridized, all logits at once."""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn, rnn
from serve import serve

state = {}


def start(tokens, weights, vocab_size, width, rows, context, lr, clip):
    """Makes the model from the weights of a file that both sides read. Returns the versions."""
    encoder, lstm = nn.Embedding(vocab_size, width), rnn.LSTM(width, num_layers=2, input_size=width)
    decoder = nn.Dense(vocab_size, flatten=False, in_units=width)
    given = np.load(weights, allow_pickle=False)
    for part in (encoder, lstm, decoder):
        part.initialize()
    encoder.weight.set_data(nd.array(given["embedding.weight"]))
    decoder.weight.set_data(nd.array(given["output.weight"]))
    decoder.bias.set_data(nd.array(given["output.bias"]))
    for layer in range(2):
        for ours, theirs in (("ih", "i2h"), ("hh", "h2h")):
            for kind in ("weight", "bias"):
                value = nd.array(given[f"layers.{layer}.{kind}_{ours}_l0"])
                getattr(lstm, f"l{layer}_{theirs}_{kind}").set_data(value)
    for part in (encoder, decoder):
        part.hybridize(static_alloc=True, static_shape=True)
    train = np.load(tokens, allow_pickle=False)["train"]
    length = (len(train) - 1) // rows
    lanes = np.stack([train[i * length : (i + 1) * length + 1] for i in range(rows)], 1)
    parameters = {}
    for part in (encoder, lstm, decoder):
        parameters.update(part.collect_params())
    trainer = gluon.Trainer(parameters, "sgd", {"learning_rate": lr})
    state.update(parts=(encoder, lstm, decoder), lanes=lanes, context=context, trainer=trainer, clip=clip, rows=rows)
    state["parameters"] = [p for p in parameters.values() if p.grad_req != "null"]
    return {"versions": {"mxnet": mx.__version__, "numpy": np.__version__}}


def run():
    """Trains once over the tokens; returns the mean loss."""
    encoder, lstm, decoder = state["parts"]
    lanes, loss_of, losses = state["lanes"], gluon.loss.SoftmaxCrossEntropyLoss(), []
    hidden = lstm.begin_state(state["rows"])
    for begin in range(0, len(lanes) - 1, state["context"]):
        end = min(begin + state["context"], len(lanes) - 1)
        ids, targets = nd.array(lanes[begin:end]), nd.array(lanes[begin + 1 : end + 1])
        hidden = [h.detach() for h in hidden]
        with autograd.record():
            out, hidden = lstm(encoder(ids), hidden)
            loss = loss_of(decoder(out).reshape((-3, -1)), targets.reshape((-1,))).mean()
        loss.backward()
        gluon.utils.clip_global_norm([p.grad() for p in state["parameters"]], state["clip"])
        state["trainer"].step(1)
        losses.append((float(loss.asscalar()), end - begin))
    nd.waitall()
    return {"loss": sum(mean * count for mean, count in losses) / sum(count for _, count in losses)}


serve(start=start, run=run)
