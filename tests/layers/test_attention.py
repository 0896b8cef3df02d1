"""Attention by plain products, which trains in bfloat16 on CPUs, against PyTorch's fused attention in float32."""

import pytest
import torch
import torch.nn.functional as F

from lingon.layers.attention import attend
from lingon.layers.attention_mask import AttentionMask


@pytest.mark.parametrize("window", [None, 3])
def test_training_in_bfloat16_attends_as_in_float32(window):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, heads, 7, 10, requires_grad=True) for heads in (6, 3, 3))
    near = torch.arange(7)[:, None] - torch.arange(7)
    seen = AttentionMask((near >= 0) & (near < window)) if window else AttentionMask(causal=True)
    whole = [t.repeat_interleave(2, 1) for t in (k, v)]
    expected = F.scaled_dot_product_attention(q, *whole, seen.mask, is_causal=seen.causal, scale=0.3)
    with torch.autocast("cpu", torch.bfloat16):
        found = attend(q, k, v, seen, 0.3)
    torch.testing.assert_close(found.float(), expected, atol=0.03, rtol=0.03)
    upstream = torch.randn_like(expected)
    for a, b in zip(
        torch.autograd.grad(found, (q, k, v), upstream.to(found.dtype)),
        torch.autograd.grad(expected, (q, k, v), upstream),
        strict=True,
    ):
        assert F.cosine_similarity(a.float().flatten(), b.flatten(), dim=0) > 0.999
