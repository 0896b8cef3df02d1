"""Checks, hints and solutions of lesson 11."""

import torch
import torch.nn.functional as F

from lingon.learn.exercises import Exercise


def packed_mask(text, window):
    places = torch.arange(len(text))
    distance = places[:, None] - places
    return (text[:, None] == text) & (distance >= 0) & (distance < window)


def check_packed_mask(packed_mask):
    for text, window in (([0, 0, 0], 9), ([0, 0, 0, 0, 0], 2), ([0, 0, 0, 1, 1, 2], 9), ([3, 3, 1, 1, 1, 1, 3], 3)):
        T = len(text)
        found = packed_mask(torch.tensor(text), window)
        assert tuple(found.shape) == (T, T), f"For {T} tokens the mask is [{T}, {T}], yours is {list(found.shape)}."
        assert found.dtype == torch.bool, f"A mask holds True and False, yours has dtype {found.dtype}."
        for t in range(T):
            truth = [s <= t and t - s < window and text[s] == text[t] for s in range(T)]
            assert found[t].tolist() == truth, (
                f"For text {text} and window {window} token {t} sees {[s for s in range(T) if truth[s]]}, "
                f"in yours {[s for s in range(T) if found[t, s]]}."
            )


def handicapped(q, k, v, slopes):
    places = torch.arange(q.shape[1])
    distance = places[:, None] - places
    scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5 - slopes[:, None, None] * distance
    return scores.masked_fill(distance < 0, -torch.inf).softmax(-1) @ v


def check_handicapped(handicapped):
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 7, 5).unbind(0)
    found = handicapped(q, k, v, torch.zeros(2))
    assert tuple(found.shape) == (2, 7, 5), f"The result is [H, T, K] = [2, 7, 5], yours is {list(found.shape)}."
    truth = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert torch.allclose(found, truth, atol=1e-5), (
        "With slopes of 0 it is causal attention as PyTorch computes it, and yours differs."
    )
    slopes = torch.tensor([0.25, 2.0])
    found = handicapped(q, k, v, slopes)
    for head in range(2):
        for t in range(7):
            scores = [float(q[head, t] @ k[head, s]) / 5**0.5 - float(slopes[head]) * (t - s) for s in range(t + 1)]
            truth = torch.tensor(scores).softmax(0) @ v[head, : t + 1]
            assert torch.allclose(found[head, t], truth, atol=1e-5), (
                f"With a slope of {slopes[head]:g} the result of token {t} starts with {truth[:2].tolist()}, "
                f"yours with {found[head, t, :2].tolist()}."
            )


def one_step(q, k, v, keys, values):
    keys, values = torch.cat([keys, k[:, None]], 1), torch.cat([values, v[:, None]], 1)
    scores = (keys @ q[:, :, None])[:, :, 0] / q.shape[-1] ** 0.5
    return (scores.softmax(-1)[:, None] @ values)[:, 0], keys, values


def check_one_step(one_step):
    torch.manual_seed(0)
    H, T, K = 2, 7, 5
    q, k, v = torch.randn(3, H, T, K).unbind(0)
    truth = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    keys, values = torch.zeros(H, 0, K), torch.zeros(H, 0, K)
    for t in range(T):
        found = one_step(q[:, t], k[:, t], v[:, t], keys, values)
        assert isinstance(found, tuple | list), "Return three things: the result, the keys, the values."
        assert len(found) == 3, f"Return three things: the result, the keys, the values; yours are {len(found)}."
        out, keys, values = found
        assert tuple(out.shape) == (H, K), f"The result is [H, K] = [{H}, {K}], yours is {list(out.shape)}."
        for name, mine, whole in (("keys", keys, k), ("values", values, v)):
            assert tuple(mine.shape) == (H, t + 1, K), (
                f"After token {t} the {name} are [H, S + 1, K] = [{H}, {t + 1}, {K}], yours are {list(mine.shape)}."
            )
            assert torch.equal(mine, whole[:, : t + 1]), f"After token {t} the {name} differ from those given so far."
        assert torch.allclose(out, truth[:, t], atol=1e-5), (
            f"For token {t} the result differs from causal attention over the whole text."
        )


EXERCISES = [
    Exercise(
        "A mask for packed texts",
        check_packed_mask,
        (
            "Combine three conditions, each a mask [T, T], with &.",
            "text[:, None] == text is True where two tokens belong to the same text.",
            "places[:, None] - places is how far back a key is: a token sees distances from 0 to window - 1.",
        ),
        packed_mask,
    ),
    Exercise(
        "Linear biases for positions (ALiBi)",
        check_handicapped,
        (
            "Begin with the scores of ordinary attention, [H, T, T], and subtract slopes[:, None, None] * distance.",
            "distance is places[:, None] - places; where it is negative, the key is in the future.",
            "Put -inf there with masked_fill, then softmax over the last dimension, then @ v.",
        ),
        handicapped,
    ),
    Exercise(
        "The key-value cache",
        check_one_step,
        (
            "First append the new key and value to the old ones: torch.cat along dimension 1.",
            "The new token may see all keys, so no mask is needed.",
            "keys @ q[:, :, None] is [H, S + 1, 1]: the scores. Divide by the root of K before the softmax.",
        ),
        one_step,
    ),
]
