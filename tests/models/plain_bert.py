"""BERT in plain loops over single tokens, from the equations of Devlin et al. 2019 and Vaswani et al. 2017."""

import torch
import torch.nn.functional as F


def hidden(model, ids, types, offset, heads, epsilon):
    """The vectors of one text without padding, [T, D]."""
    p = dict(model.named_parameters())

    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], p[f"{name}.weight"], p[f"{name}.bias"], epsilon)

    def linear(x, name):
        return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]

    rows = []
    for place, token in enumerate(ids):
        x = p["embedding.weight"][token] + p["positions.weight"][place + offset]
        if "token_types.weight" in p:
            x = x + p["token_types.weight"][types[place] if len(p["token_types.weight"]) > 1 else 0]
        rows.append(norm(x, "embedding_norm"))
    x = torch.stack(rows)
    if "projection.weight" in p:
        x = linear(x, "projection")
    for layer in range(len(model.blocks)):
        at = f"blocks.{layer}"
        q, k, v = (part.chunk(heads, -1) for part in linear(x, f"{at}.attention.qkv").chunk(3, -1))
        mixed = []
        for a, b, c in zip(q, k, v, strict=True):
            scores = torch.stack([torch.stack([query @ key for key in b]) for query in a]) / a.shape[-1] ** 0.5
            weights = scores.exp() / scores.exp().sum(-1, keepdim=True)
            mixed.append(weights @ c)
        x = norm(x + linear(torch.cat(mixed, -1), f"{at}.attention.out"), f"{at}.around_attention.post_norm")
        up = linear(x, f"{at}.feed_forward.up")
        down = linear(up * 0.5 * (1 + torch.erf(up / 2**0.5)), f"{at}.feed_forward.down")
        x = norm(x + down, f"{at}.around_feed_forward.post_norm")
    return x
