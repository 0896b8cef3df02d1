"""T5 in loops over tokens and heads, from the tensors of a checkpoint: slow, and nothing of ours in it."""

import math

import torch


def bucket(distance: int, both: bool, buckets: int, farthest: int) -> int:
    """The bucket of key - query (Raffel et al. 2020, section 2.1)."""
    first = 0
    if both:
        buckets //= 2
        first = buckets if distance > 0 else 0
        near = abs(distance)
    else:
        near = max(0, -distance)
    exact = buckets // 2
    if near < exact:
        return first + near
    far = exact + int(math.log(near / exact) / math.log(farthest / exact) * (buckets - exact))
    return first + min(far, buckets - 1)


def norm(x, weight, epsilon):
    return x / (x.pow(2).mean(-1, keepdim=True) + epsilon).sqrt() * weight


def attention(tensors, at, x, memory, heads, bias=None, causal=False):
    q, k, v = (x @ tensors[f"{at}.q.weight"].T, *(memory @ tensors[f"{at}.{n}.weight"].T for n in "kv"))
    width, out = q.shape[1] // heads, []
    for t in range(len(x)):
        row = []
        for h in range(heads):
            part = slice(h * width, (h + 1) * width)
            seen = range(t + 1 if causal else len(memory))
            scores = torch.stack([q[t, part] @ k[s, part] + (0.0 if bias is None else bias(t, s, h)) for s in seen])
            row.append(sum(w * v[s, part] for w, s in zip(scores.softmax(0), seen, strict=True)))
        out.append(torch.cat(row))
    return torch.stack(out) @ tensors[f"{at}.o.weight"].T


def feed_forward(tensors, at, x, gated):
    if gated:
        gelu = torch.nn.functional.gelu(x @ tensors[f"{at}.wi_0.weight"].T, approximate="tanh")
        return (gelu * (x @ tensors[f"{at}.wi_1.weight"].T)) @ tensors[f"{at}.wo.weight"].T
    return (x @ tensors[f"{at}.wi.weight"].T).relu() @ tensors[f"{at}.wo.weight"].T


def stack(config, tensors, side, ids, memory=None):
    x, heads, epsilon = tensors["shared.weight"][ids], config["num_heads"], config["layer_norm_epsilon"]
    table = tensors[f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
    both, sizes = memory is None, (config["relative_attention_num_buckets"], config["relative_attention_max_distance"])
    bias = lambda t, s, h: table[bucket(s - t, both, *sizes), h]
    for layer in range(config["num_layers" if both else "num_decoder_layers"]):
        at = f"{side}.block.{layer}.layer"
        normed = norm(x, tensors[f"{at}.0.layer_norm.weight"], epsilon)
        x = x + attention(tensors, f"{at}.0.SelfAttention", normed, normed, heads, bias, causal=not both)
        if not both:
            normed = norm(x, tensors[f"{at}.1.layer_norm.weight"], epsilon)
            x = x + attention(tensors, f"{at}.1.EncDecAttention", normed, memory, heads)
        last = 1 if both else 2
        normed = norm(x, tensors[f"{at}.{last}.layer_norm.weight"], epsilon)
        gated = config.get("feed_forward_proj", "relu") != "relu"
        x = x + feed_forward(tensors, f"{at}.{last}.DenseReluDense", normed, gated)
    return norm(x, tensors[f"{side}.final_layer_norm.weight"], epsilon)


def logits(config, tensors, source, target):
    """Logits [T, V] after each token of one target."""
    hidden = stack(config, tensors, "decoder", target, stack(config, tensors, "encoder", source))
    if config.get("tie_word_embeddings", True) and config["model_type"] == "t5":
        hidden = hidden * config["d_model"] ** -0.5
    return hidden @ tensors.get("lm_head.weight", tensors["shared.weight"]).T
