"""The classifiers once more, in plain loops: one text at a time, no padding, no mask, no layer of ours or of torch."""

import torch


def vectors(embedding, ids):
    return [embedding.weight[i] for i in ids]


def linear(layer, x):
    return layer.weight @ x + layer.bias


def bag(model, ids):
    total = torch.zeros(model.embedding.weight.shape[1])
    for v in vectors(model.embedding, ids):
        total = total + v
    return linear(model.out, total / max(1, len(ids)))


def textcnn(model, ids):
    channels = [vectors(e, ids) for e in (model.embedding, model.frozen) if e is not None]
    return linear(model.out, torch.cat([filters(conv.conv, channels, len(ids)) for conv in model.convs]))


def filters(conv, channels, length):
    """The maximum over all windows of relu(sum over channels of w . window, + b), for each filter."""
    count, width, kernel = conv.weight.shape
    if not length:
        return torch.zeros(count)
    best = torch.zeros(count)
    for start in range(max(1, length - kernel + 1)):
        score = conv.bias
        for x in channels:
            x = x + [torch.zeros(width)] * (kernel - length)
            for j in range(kernel):
                score = score + conv.weight[:, :, j] @ x[start + j]
        best = torch.maximum(best, score)  # at least 0, as after ReLU
    return best


def lstm(layer, xs):
    """The states after each token (Hochreiter 1997, with forget gates)."""
    h = c = torch.zeros(layer.hidden_size)
    states = []
    for x in xs:
        z = layer.weight_ih_l0 @ x + layer.bias_ih_l0 + layer.weight_hh_l0 @ h + layer.bias_hh_l0
        i, f, g, o = z.chunk(4)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        states.append(h)
    return states


def both_ways(layers, xs):
    """The states of the top layer, and the last state of each of its directions."""
    for ahead, back in zip(layers.forwards, layers.backwards, strict=True):
        a, b = lstm(ahead, xs), lstm(back, xs[::-1])
        xs = [torch.cat(pair) for pair in zip(a, b[::-1], strict=True)]
    hidden = layers.forwards[0].hidden_size
    return xs, torch.cat([a[-1], b[-1]]) if xs else torch.zeros(2 * hidden)


def bilstm(model, ids):
    return linear(model.out, both_ways(model.lstm, vectors(model.embedding, ids))[1])


def self_attentive(model, ids):
    states, _ = both_ways(model.lstm, vectors(model.embedding, ids))
    hops, width = len(model.attend.second.weight), 2 * model.lstm.forwards[0].hidden_size
    sums = []
    for hop in range(hops):
        scores = [model.attend.second.weight[hop] @ torch.tanh(model.attend.first.weight @ h) for h in states]
        whole = sum(s.exp() for s in scores)
        sums.append(sum((s.exp() / whole * h for s, h in zip(scores, states, strict=True)), torch.zeros(width)))
    return linear(model.out, torch.cat(sums))
