"""Attention to a memory, padding masks and residual connections, against PyTorch's own layers."""

import pytest
import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.layers.attention import Attention
from lingon.layers.attention_mask import AttentionMask, padding_mask
from lingon.layers.residual import PostNorm, PreNorm, Sandwich
from lingon.layers.transformer import Block

B, S, T, WIDTH, HEADS = 3, 5, 7, 22, 2
MEMORY_MASK = torch.arange(T) < torch.tensor([7, 2, 4])[:, None]


def torchs(ours: Attention) -> nn.MultiheadAttention:
    """PyTorch's layer with the same weights."""
    theirs = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = ours.qkv.weight.data, ours.qkv.bias.data
    theirs.out_proj.load_state_dict(ours.out.state_dict())
    return theirs


def attention(**named) -> Attention:
    torch.manual_seed(0)
    return Attention(WIDTH, HEADS, bias=(True, True), **named)


def test_attention_to_a_memory_is_torchs():
    ours, x, memory = attention(), torch.randn(B, S, WIDTH), torch.randn(B, T, WIDTH)
    expected, _ = torchs(ours)(x, memory, memory, key_padding_mask=~MEMORY_MASK)
    torch.testing.assert_close(ours(x, padding_mask(MEMORY_MASK), memory=memory), expected)


def test_a_bidirectional_text_with_padding_is_torchs():
    ours, x = attention(), torch.randn(B, T, WIDTH)
    expected, _ = torchs(ours)(x, x, x, key_padding_mask=~MEMORY_MASK)
    torch.testing.assert_close(ours(x, padding_mask(MEMORY_MASK)), expected)


def test_any_mask_is_torchs():
    ours, x = attention(), torch.randn(B, T, WIDTH)
    mask = torch.rand(T, T) < 0.5
    mask |= torch.eye(T, dtype=torch.bool)
    expected, _ = torchs(ours)(x, x, x, attn_mask=~mask)
    torch.testing.assert_close(ours(x, AttentionMask(mask)), expected)


def test_a_text_without_tokens_gives_numbers():
    none = padding_mask(torch.zeros(B, T, dtype=torch.bool))
    assert attention()(torch.randn(B, T, WIDTH), none).isfinite().all()


def test_the_memory_can_be_kept_as_keys_and_values():
    """What a decoder does: keys and values of the memory are made once."""
    ours, memory, held = attention(), torch.randn(B, T, WIDTH), []

    def keep(k, v):
        held.append((k, v))
        return held[0]

    x = torch.randn(B, S, WIDTH)
    first = ours(x, memory=memory, cache=keep)
    again = ours(x, memory=torch.randn(B, T, WIDTH), cache=keep)  # what is kept counts
    torch.testing.assert_close(first, again)


def test_rotations_between_two_texts_are_refused():
    turn = torch.ones(S, WIDTH // HEADS), torch.zeros(S, WIDTH // HEADS)
    with pytest.raises(UserError, match="attention to a memory has none"):
        attention()(torch.randn(B, S, WIDTH), memory=torch.randn(B, T, WIDTH), rotation=turn)


@pytest.mark.parametrize("first", [True, False], ids=["pre-norm", "post-norm"])
def test_a_block_is_torchs_encoder_layer(first):
    theirs = nn.TransformerEncoderLayer(WIDTH, HEADS, 13, 0.0, batch_first=True, norm_first=first)
    ours = attention()
    ours.qkv.weight.data, ours.qkv.bias.data = theirs.self_attn.in_proj_weight.data, theirs.self_attn.in_proj_bias.data
    ours.out.load_state_dict(theirs.self_attn.out_proj.state_dict())
    feed = nn.Sequential(theirs.linear1, nn.ReLU(), theirs.linear2)
    residual = PreNorm if first else PostNorm
    block = Block(ours, feed, (residual(theirs.norm1), residual(theirs.norm2)))
    x = torch.randn(B, T, WIDTH)
    expected = theirs(x, src_key_padding_mask=~MEMORY_MASK)
    torch.testing.assert_close(block(x, padding_mask(MEMORY_MASK))[MEMORY_MASK], expected[MEMORY_MASK])


def test_a_sandwich_by_hand():
    halve, add = nn.Linear(2, 2, bias=False), lambda x: x + 1
    halve.weight.data = torch.eye(2) / 2
    found = Sandwich(halve, halve)(torch.tensor([[[4.0, 8.0]]]), add)  # 4 + (4 / 2 + 1) / 2
    torch.testing.assert_close(found, torch.tensor([[[5.5, 10.5]]]))


def test_dropout_of_a_residual_is_for_training():
    torch.manual_seed(0)
    part, x = PreNorm(nn.Identity(), 0.5), torch.ones(1, 1, 997)
    assert torch.equal(part.eval()(x, lambda y: y), 2 * x)
    assert set(part.train()(x, lambda y: y).unique().tolist()) == {1.0, 3.0}
