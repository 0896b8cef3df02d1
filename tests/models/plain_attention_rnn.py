"""The recurrent encoder-decoder once more, in plain loops: one pair, one token and one score at a time."""

import torch

from tests.models.plain import both_ways


def cell(layer, x, h, c):
    """The next (h, c) of an LSTM or a GRU (Cho et al. 2014, with the reset gate inside, as in PyTorch)."""
    own, carried = layer.weight_ih_l0 @ x + layer.bias_ih_l0, layer.weight_hh_l0 @ h + layer.bias_hh_l0
    if isinstance(layer, torch.nn.GRU):
        (r, z, n), (carried_r, carried_z, carried_n) = own.chunk(3), carried.chunk(3)
        r, z = torch.sigmoid(r + carried_r), torch.sigmoid(z + carried_z)
        return (1 - z) * torch.tanh(n + r * carried_n) + z * h, c
    i, f, g, o = (own + carried).chunk(4)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def run(layer, xs):
    h = c = torch.zeros(layer.hidden_size)
    found = []
    for x in xs:
        h, c = cell(layer, x, h, c)
        found.append(h)
    return found


def encoded(layers, xs):
    """The states of both directions at each token."""
    if isinstance(layers.forwards[0], torch.nn.LSTM):
        return both_ways(layers, xs)[0]
    for ahead, back in zip(layers.forwards, layers.backwards, strict=True):
        xs = [torch.cat(pair) for pair in zip(run(ahead, xs), run(back, xs[::-1])[::-1], strict=True)]
    return xs


def score(layer, q, h):
    """The score of one state of the source for one of the target, by the kind of the layer."""
    kind = type(layer).__name__
    if kind == "AdditiveScore":
        inner = torch.tanh(layer.query.weight @ q + layer.query.bias + layer.key.weight @ h)
        return layer.v.weight[0] @ inner
    return q @ h if kind == "DotScore" else q @ (layer.key.weight @ h)


def shares(scores):
    whole = sum(s.exp() for s in scores)
    return [s.exp() / whole for s in scores]


def probabilities(model, source, target):
    """The probability of each token after each of a target [T, V + extended], and the attention [T, S]."""
    size, unk = model.sizes["vocab_size"], model.unk_id
    known = [unk if i >= model.source_embedding.num_embeddings else i for i in source]
    states = encoded(model.encoder, [model.source_embedding.weight[i] for i in known])
    half = len(states[0]) // 2
    ends = torch.cat([states[-1][:half], states[0][half:]])
    bridge = torch.tanh(model.bridge.weight @ ends + model.bridge.bias).chunk(len(model.decoder))
    gru = isinstance(model.decoder[0], torch.nn.GRU)
    carried = [(x, None) if gru else tuple(x.chunk(2)) for x in bridge]
    fed, said, maps = torch.zeros(2 * half), [], []
    for token in target:
        x = model.embedding.weight[unk if token >= size else token]
        x = torch.cat([x, fed]) if model.input_feeding else x
        for i, layer in enumerate(model.decoder):
            carried[i] = cell(layer, x, *carried[i])
            x = carried[i][0]
        weights = shares([score(model.attention.score, x, h) for h in states])
        context = sum(w * h for w, h in zip(weights, states, strict=True))
        fed = torch.tanh(model.attention.out.weight @ torch.cat([context, x]))
        maps.append(torch.stack(weights))
        out = model.projection.weight @ fed if hasattr(model.projection, "weight") else fed
        said.append(spoken(model, out, states, source))
    return torch.stack(said), torch.stack(maps)


def spoken(model, out, states, source):
    """What the last layer says; with copying, mixed with what is pointed at (See et al. 2017, equation 9)."""
    head = model.output
    if not hasattr(head, "switch"):
        return torch.stack(shares(list(head.weight @ out + head.bias)))
    found = torch.stack(shares(list(head.output.weight @ out + head.output.bias)))
    found = torch.cat([found, torch.zeros(head.extended_vocab)])
    q = (head.query.weight @ out + head.query.bias) / len(out) ** 0.5
    pointed = shares([q @ (head.key.weight @ h) for h in states])
    says = torch.sigmoid(head.switch.weight[0] @ out + head.switch.bias[0])
    found = found * says
    for weight, token in zip(pointed, source, strict=True):
        found[token] = found[token] + (1 - says) * weight
    return found
