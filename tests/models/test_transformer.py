"""The Transformer against PyTorch's own layers with the same weights, its positions against the formula, and tasks."""

import math

import pytest
import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.layers.cross_attention import CrossAttention
from lingon.layers.cross_attention_cache import LayerMemory, SourceRows
from lingon.layers.sinusoidal import sinusoidal
from lingon.models.transformer import Transformer
from tests.models.seq2seq_toys import exact_match, train

V, BATCH, SOURCE, TIME, WIDTH, HEADS = 23, 3, 7, 11, 12, 3
MASK = torch.arange(SOURCE) < torch.tensor([7, 2, 5])[:, None]


def made(**named) -> Transformer:
    torch.manual_seed(0)
    sizes = {"width": WIDTH, "depth": 2, "heads": HEADS, "ffn_width": 19, "context_length": 17} | named
    model = Transformer(V, **sizes).eval()
    for p in model.parameters():
        nn.init.normal_(p.data, std=0.3)
    return model


def copy_attention(theirs: nn.MultiheadAttention, ours):
    if isinstance(ours, CrossAttention):
        theirs.in_proj_weight.data = torch.cat([ours.q.weight, ours.kv.weight])
        theirs.in_proj_bias.data = torch.cat([ours.q.bias, ours.kv.bias])
    else:
        theirs.in_proj_weight.data, theirs.in_proj_bias.data = ours.qkv.weight.data, ours.qkv.bias.data
    theirs.out_proj.load_state_dict(ours.out.state_dict())


def torchs(block, pre_norm):
    """PyTorch's layer with the weights of a block."""
    decodes = hasattr(block, "cross_attention")
    kind = nn.TransformerDecoderLayer if decodes else nn.TransformerEncoderLayer
    layer = kind(WIDTH, HEADS, 19, 0.0, batch_first=True, norm_first=pre_norm)
    copy_attention(layer.self_attn, block.attention)
    around = [block.around_attention, block.around_feed_forward]
    if decodes:
        copy_attention(layer.multihead_attn, block.cross_attention)
        around.insert(1, block.around_cross_attention)
    for number, residual in enumerate(around, 1):
        norm = residual.pre_norm if pre_norm else residual.post_norm
        getattr(layer, f"norm{number}").load_state_dict(norm.state_dict())
    layer.linear1.load_state_dict(block.feed_forward.up.state_dict())
    layer.linear2.load_state_dict(block.feed_forward.down.state_dict())
    return layer.train()  # without dropout; its fast path in evaluation has other shapes


@pytest.mark.parametrize("pre_norm", [True, False], ids=["pre-norm", "post-norm"])
@pytest.mark.parametrize("source_vocab_size", [0, 29], ids=["shared", "separate"])
def test_logits_are_those_of_torchs_layers(pre_norm, source_vocab_size):
    model = made(pre_norm=pre_norm, source_vocab_size=source_vocab_size, decoder_depth=3)
    source, target = torch.randint(V, (BATCH, SOURCE)), torch.randint(V, (BATCH, TIME))
    embed = lambda table, ids: table.weight[ids] * math.sqrt(WIDTH) + sinusoidal(ids.shape[1], WIDTH)
    memory = embed(model.source_embedding, source)
    for block in model.encoder:
        memory = torchs(block, pre_norm)(memory, src_key_padding_mask=~MASK)
    memory, x = model.encoder_norm(memory), embed(model.embedding, target)
    causal = nn.Transformer.generate_square_subsequent_mask(TIME)
    for block in model.decoder:
        x = torchs(block, pre_norm)(x, memory, causal, memory_key_padding_mask=~MASK)
    expected = model.decoder_norm(x) @ model.embedding.weight.T
    torch.testing.assert_close(model.head(model(source, MASK, target)), expected, rtol=1e-5, atol=1e-5)


def test_positions_are_those_of_the_paper():
    found = sinusoidal(5, 7)
    for position in range(5):
        for i in range(7):
            angle = position / 10_000 ** (2 * (i // 2) / 7)
            assert found[position, i].item() == pytest.approx((math.cos if i % 2 else math.sin)(angle), abs=1e-6)


def test_one_embedding_is_three_or_two_or_one():
    weights = lambda **named: len({p.data_ptr() for p in matrices(made(**named))})
    matrices = lambda model: (model.source_embedding.weight, model.embedding.weight, model.output.weight)
    assert weights() == 1
    assert weights(source_vocab_size=29) == 2
    assert weights(tied=False) == 2
    assert weights(source_vocab_size=29, tied=False) == 3


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(UserError, match="width 12 cannot be divided into 5 heads"):
        made(heads=5)


def test_cross_attention_is_torchs_and_rows_share_sources():
    torch.manual_seed(0)
    ours, memory, x = CrossAttention(WIDTH, HEADS, memory_width=5), torch.randn(3, 7, 5), torch.randn(8, 2, WIDTH)
    theirs = nn.MultiheadAttention(WIDTH, HEADS, kdim=5, vdim=5, batch_first=True)
    theirs.q_proj_weight.data, theirs.in_proj_bias.data = ours.q.weight.data, torch.cat([ours.q.bias, ours.kv.bias])
    keys, values = ours.kv.weight.data.chunk(2)
    theirs.k_proj_weight.data, theirs.v_proj_weight.data = keys.contiguous(), values.contiguous()
    theirs.out_proj.load_state_dict(ours.out.state_dict())
    numbers = torch.tensor([2, 0, 0, 2, 2, 0, 2, 2])  # none of source 1
    expected, weights = theirs(x, memory[numbers], memory[numbers], average_attn_weights=False)
    shared = LayerMemory(*ours.keys_values(memory), rows=SourceRows(numbers, 3))
    torch.testing.assert_close(ours(x, shared), expected)
    torch.testing.assert_close(ours.weights(x, shared), weights)


def test_a_small_model_learns_to_reverse():
    torch.manual_seed(0)
    sizes = {"longest": 3, "letters": 4}
    model = Transformer(7, width=32, depth=1, heads=2, dropout=0.0, context_length=12)
    assert exact_match(train(model, "reverse", 120, 1e-2, **sizes), "reverse", **sizes) > 0.95


@pytest.mark.long
@pytest.mark.parametrize("task", ["reverse", "copy"])
def test_reverse_and_copy_are_learned_in_5000_steps(task):
    torch.manual_seed(0)
    model = Transformer(20, width=64, depth=2, heads=4, dropout=0.0, context_length=16)
    assert exact_match(train(model, task, 3000, 2e-3), task) >= 0.99
