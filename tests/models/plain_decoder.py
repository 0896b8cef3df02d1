"""The published decoders once more, in plain loops over tokens and heads, from the names and shapes of the files.

w: the tensors of a checkpoint by their names in the file, in float64; c: its config.json.
"""

import math

import torch


def logits(c, w, ids):
    """[T, V] for the ids of one text."""
    return gpt2(c, w, ids) if c["model_type"] == "gpt2" else modern(c, w, ids)


def gpt2(c, w, ids):
    def layer_norm(x, name):
        x = x - x.mean()
        return x / (x.square().mean() + c["layer_norm_epsilon"]).sqrt() * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x, name):  # stored [in, out]
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    xs = [w["transformer.wte.weight"][i] + w["transformer.wpe.weight"][t] for t, i in enumerate(ids)]
    for layer in range(c["n_layer"]):
        at = f"transformer.h.{layer}"
        qkv = [linear(layer_norm(x, f"{at}.ln_1"), f"{at}.attn.c_attn").view(3, c["n_head"], -1) for x in xs]
        mixed = [attended(qkv, t, c["n_head"], 1 / math.sqrt(c["n_embd"] // c["n_head"])) for t in range(len(xs))]
        xs = [x + linear(m, f"{at}.attn.c_proj") for x, m in zip(xs, mixed, strict=True)]
        inner = [gelu_tanh(linear(layer_norm(x, f"{at}.ln_2"), f"{at}.mlp.c_fc")) for x in xs]
        xs = [x + linear(h, f"{at}.mlp.c_proj") for x, h in zip(xs, inner, strict=True)]
    output = w.get("lm_head.weight", w["transformer.wte.weight"])
    return torch.stack([output @ layer_norm(x, "transformer.ln_f") for x in xs])


def modern(c, w, ids):
    gemma, normed = c["model_type"].startswith("gemma"), c["model_type"] in ("qwen3", "gemma3_text")
    heads, shared = c["num_attention_heads"], c["num_attention_heads"] // c["num_key_value_heads"]
    scale = 1 / math.sqrt(c["query_pre_attn_scalar"] if gemma else c["head_dim"])

    def norm(x, name):
        weight = w[f"{name}.weight"] + (1 if gemma else 0)
        return x / (x.square().mean() + c["rms_norm_eps"]).sqrt() * weight

    def linear(x, name):
        y = w[f"{name}.weight"] @ x
        return y + w[f"{name}.bias"] if f"{name}.bias" in w else y

    xs = [w["model.embed_tokens.weight"][i] * (math.sqrt(c["hidden_size"]) if gemma else 1) for i in ids]
    for layer in range(c["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        rows = []
        for t, x in enumerate(xs):
            x = norm(x, f"{at}.input_layernorm")
            q, k, v = (linear(x, f"{at}.self_attn.{name}_proj").view(-1, c["head_dim"]) for name in "qkv")
            if normed:
                q = torch.stack([norm(head, f"{at}.self_attn.q_norm") for head in q])
                k = torch.stack([norm(head, f"{at}.self_attn.k_norm") for head in k])
            q, k = (torch.stack([turned(head, t, c, layer) for head in both]) for both in (q, k))
            rows.append((q, k.repeat_interleave(shared, 0), v.repeat_interleave(shared, 0)))
        cap = c.get("attn_logit_softcapping")
        mixed = [attended(rows, t, heads, scale, window_of(c, layer), cap) for t in range(len(xs))]
        for t, m in enumerate(mixed):
            y = linear(m, f"{at}.self_attn.o_proj")
            xs[t] = xs[t] + (norm(y, f"{at}.post_attention_layernorm") if gemma else y)
            y = norm(xs[t], f"{at}.pre_feedforward_layernorm" if gemma else f"{at}.post_attention_layernorm")
            gate, up = linear(y, f"{at}.mlp.gate_proj"), linear(y, f"{at}.mlp.up_proj")
            y = linear((gelu_tanh(gate) if gemma else gate * torch.sigmoid(gate)) * up, f"{at}.mlp.down_proj")
            xs[t] = xs[t] + (norm(y, f"{at}.post_feedforward_layernorm") if gemma else y)
    output = w.get("lm_head.weight", w["model.embed_tokens.weight"])
    found = torch.stack([output @ norm(x, "model.norm") for x in xs])
    cap = c.get("final_logit_softcapping")
    return found if cap is None else cap * torch.tanh(found / cap)


def attended(rows, t, heads, scale, window=None, cap=None):
    """What token t gets from the tokens up to it; rows holds q, k and v of each token, [heads, K]."""
    first = 0 if window is None else max(0, t - window + 1)
    parts = []
    for head in range(heads):
        scores = [rows[t][0][head] @ rows[s][1][head] * scale for s in range(first, t + 1)]
        scores = [s if cap is None else cap * torch.tanh(s / cap) for s in scores]
        whole = sum(s.exp() for s in scores)
        parts.append(sum(s.exp() / whole * rows[first + i][2][head] for i, s in enumerate(scores)))
    return torch.cat(parts)


def turned(head, t, c, layer):
    """Each pair (x_i, x_{i + K/2}) as a complex number, turned by the angle of position t."""
    half = c["head_dim"] // 2
    out = head.clone()
    rope = rope_of(c, layer)
    for i in range(half):
        angle = t * frequency(i, rope, c)
        pair = complex(head[i], head[i + half]) * complex(math.cos(angle), math.sin(angle)) * longer(rope)
        out[i], out[i + half] = pair.real, pair.imag
    return out


def frequency(i, rope, c):
    found = rope["rope_theta"] ** (-2 * i / c["head_dim"])
    if rope["rope_type"] == "linear":
        return found / rope["factor"]
    if rope["rope_type"] == "llama3":
        turns = rope["original_max_position_embeddings"] * found / (2 * math.pi)
        if turns < rope["low_freq_factor"]:
            return found / rope["factor"]
        if turns < rope["high_freq_factor"]:
            share = (turns - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])
            return share * found + (1 - share) * found / rope["factor"]
    if rope["rope_type"] == "yarn":
        kept = yarn_share(i, rope, c["head_dim"])
        return kept * found + (1 - kept) * found / rope["factor"]
    return found


def yarn_share(i, rope, width):
    """How much of the turn of pair i is kept: all up to the pair of the fast turns, nothing from that of the slow."""
    ends = []
    for turns in (rope.get("beta_fast", 32), rope.get("beta_slow", 1)):
        length = rope["original_max_position_embeddings"] / turns  # tokens of one such turn
        ends.append(width / 2 * math.log(length / (2 * math.pi)) / math.log(rope["rope_theta"]))
    if rope.get("truncate", True):
        ends = [math.floor(ends[0]), math.ceil(ends[1])]
    first, last = max(ends[0], 0), min(ends[1], width - 1)
    return 1 - min(1, max(0, (i - first) / (last - first)))


def longer(rope):
    """What a pair is multiplied by."""
    if rope["rope_type"] != "yarn":
        return 1.0
    usual = 1 + 0.1 * math.log(rope["factor"])
    if "mscale" in rope:
        both = [1 + 0.1 * rope[key] * math.log(rope["factor"]) for key in ("mscale", "mscale_all_dim")]
        usual = both[0] / both[1]
    return rope.get("attention_factor", usual)


def rope_of(c, layer):
    if scaling := c.get("rope_scaling"):  # the older layout
        return {"rope_theta": c["rope_theta"], "rope_type": scaling["type"], **scaling}
    rope = c["rope_parameters"]
    return rope[c["layer_types"][layer]] if "full_attention" in rope else rope


def window_of(c, layer):
    if c["model_type"] == "mistral" and "layer_types" not in c:
        return c["sliding_window"]
    return c["sliding_window"] if c.get("layer_types", ["full"] * 99)[layer] == "sliding_attention" else None


def gelu_tanh(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
