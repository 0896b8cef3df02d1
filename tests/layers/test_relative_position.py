"""Buckets of distances against whole-number arithmetic, and what is added to scores against plain softmax."""

import math

import pytest
import torch
import torch.nn.functional as F

from lingon.layers.attention import attend
from lingon.layers.attention_mask import AttentionMask, padding_mask
from lingon.layers.disentangled_attention import DisentangledAttention, Distances, near_distances
from lingon.layers.packing import pack
from lingon.layers.relative_position import distances, log_bucket, t5_bucket


def slow_t5(distance):
    """Of each side 8 buckets for one distance each; bucket 8 + j begins at 8 * 2^(j / 2), so the last at 90.5."""
    near = abs(distance)
    far = 8 + max((j for j in range(8) if near**2 >= 64 * 2**j), default=0)
    return (near if near < 8 else far) + (16 if distance < 0 else 0)


def test_buckets_of_t5_widen_as_powers_of_two():
    found = t5_bucket(torch.arange(-300, 301)).tolist()
    assert found == [slow_t5(d) for d in range(-300, 301)]
    assert sorted({*found}) == [*range(16), *range(17, 32)]  # bucket 16 would be "0 before the query"


@pytest.mark.parametrize(("buckets", "farthest"), [(8, 61), (16, 61), (256, 512), (6, 5)])
def test_log_buckets_are_the_next_whole_number_of_logarithms(buckets, farthest):
    middle = buckets // 2
    ratio = math.log((farthest - 1) / middle)
    for distance, found in enumerate(log_bucket(torch.arange(600), buckets, farthest).tolist()):
        exact = middle + math.log(max(1, distance) / middle) / ratio * (middle - 1)
        if distance <= middle:
            assert found == distance
        elif abs(exact - round(exact)) > 1e-4:
            assert found == math.ceil(exact), distance
        else:  # float32 may be on either side of a whole number
            assert found in (round(exact), round(exact) + 1)
    both = log_bucket(torch.arange(-600, 600), buckets, farthest)
    assert torch.equal(both[1:], -both[1:].flip(0))


def test_distances_are_of_the_query_less_the_key():
    assert distances(3, torch.device("cpu")).tolist() == [[0, -1, -2], [1, 0, -1], [2, 1, 0]]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_bias_is_added_to_scaled_scores(precision):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, 7, 5, requires_grad=True) for _ in range(3))
    bias, kept = torch.randn(1, 3, 7, 7, requires_grad=True), torch.rand(2, 1, 1, 7) > 0.3
    scores = (q @ k.transpose(-1, -2) * 0.4 + bias).masked_fill(~kept, -torch.inf)
    wanted = scores.softmax(-1) @ v
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        found = attend(q, k, v, AttentionMask(kept, bias=bias), 0.4)
    bound = 1e-5 if precision == "float32" else 0.05
    assert (found - wanted).abs().max() < bound
    theirs = torch.autograd.grad(wanted.sin().sum(), (q, bias))
    for a, b in zip(torch.autograd.grad(found.float().sin().sum(), (q, bias)), theirs, strict=True):
        assert (a - b).abs().max() < bound * b.abs().max()


def slow_disentangled(attention, x, vectors, row_of):
    """Equation 4 of He et al. 2021 for each pair of tokens."""
    width, heads = attention.qkv.weight.shape[1], attention.heads
    (wq, wk, wv), (bq, bk, bv) = attention.qkv.weight.chunk(3), attention.qkv.bias.chunk(3)
    own_q, own_k = attention.position_query, attention.position_key
    queries = F.linear(vectors, wq, bq) if own_q is None else own_q(vectors)
    keys = F.linear(vectors, wk, bk) if own_k is None else own_k(vectors)
    size, found = width // heads, []
    for head in range(heads):
        at = slice(head * size, (head + 1) * size)
        q, k, v = (F.linear(x, w, b)[:, at] for w, b in ((wq, bq), (wk, bk), (wv, bv)))
        scores = torch.zeros(len(x), len(x))
        for i in range(len(x)):
            for j in range(len(x)):
                scores[i, j] = q[i] @ k[j]
                if "c2p" in attention.kinds:
                    scores[i, j] += q[i] @ keys[row_of(i - j), at]
                if "p2c" in attention.kinds:
                    scores[i, j] += queries[row_of(i - j), at] @ k[j]
        found.append((scores / math.sqrt(size * (1 + len(attention.kinds)))).softmax(-1) @ v)
    return attention.out(torch.cat(found, -1))


@pytest.mark.parametrize("kinds", [["c2p", "p2c"], ["c2p"], ["p2c"]])
@pytest.mark.parametrize("shared", [True, False])
@torch.no_grad()
def test_disentangled_attention_equals_sums_over_pairs(kinds, shared):
    torch.manual_seed(0)
    attention = DisentangledAttention(15, 3, kinds, shared).eval()
    for p in attention.parameters():
        torch.nn.init.normal_(p, std=0.4)
    lengths, vectors = [11, 2, 7], torch.randn(10, 15)
    mask = torch.arange(11) < torch.tensor(lengths)[:, None]
    x = torch.randn(3, 11, 15)

    def row_of(distance):
        return min(max(distance, -5), 4) + 5

    near = near_distances(vectors, distances(11, x.device), 11)
    assert near_distances(vectors, distances(3, x.device), 3).vectors.shape == (6, 15)  # of -3 to 2
    found, packed = attention(x, padding_mask(mask), near), pack(mask)
    together = packed.put_back(attention(packed.take(x), packed.attention_mask, near))
    for row, length in enumerate(lengths):
        wanted = slow_disentangled(attention, x[row, :length], vectors, row_of)
        assert (found[row, :length] - wanted).abs().max() < 1e-5
        assert (together[row, :length] - wanted).abs().max() < 1e-5
        short = near_distances(vectors, distances(length, x.device), length)
        alone = attention(x[row : row + 1, :length], AttentionMask(), short)
        assert (alone[0] - wanted).abs().max() < 1e-5


def test_vectors_of_distances_are_dropped_in_training_only():
    attention = DisentangledAttention(6, 2, dropout=(0.5, 0.0))
    x, near = torch.randn(1, 4, 6), Distances(torch.randn(8, 6), torch.randint(8, (4, 4)))
    a, b = attention(x, AttentionMask(), near), attention(x, AttentionMask(), near)
    assert not torch.equal(a, b)
    attention.eval()
    assert torch.equal(attention(x, AttentionMask(), near), attention(x, AttentionMask(), near))
