"""LoRA: nothing changes at first, merged equals adapted, and only the thin matrices learn."""

import pytest
import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.layers.attention import Attention
from lingon.layers.lora import LoRA, LoRALinear, adapters_in, add_lora, layers_of, merge_lora
from lingon.models.registry import build

IDS = torch.randint(31, (2, 5), generator=torch.Generator().manual_seed(0))


def gpt(tied=True):
    torch.manual_seed(0)
    return build("gpt", {"vocab_size": 31, "width": 12, "heads": 3, "depth": 2, "tied": tied}).eval()


def randomize(model):
    for adapter in adapters_in(model).values():
        nn.init.normal_(adapter.B, std=0.3)


def by_hand(x, base, adapter):
    """Row by row: what each part of the output gets from its own pair of matrices."""
    out, done = base(x).double(), 0
    for i, (start, end) in enumerate(adapter.rows):
        thin = adapter.A[i * adapter.rank : (i + 1) * adapter.rank].double()
        wide = adapter.B[done : done + end - start].double()
        done += end - start
        for n in range(len(x)):
            for o in range(start, end):
                out[n, o] += adapter.scale * wide[o - start] @ (thin @ x[n].double())
    return out


@pytest.mark.parametrize("rows", [None, [(0, 4), (9, 11)], [(3, 5)]])
def test_it_computes_what_the_paper_says(rows):
    torch.manual_seed(1)
    base, x = nn.Linear(7, 11), torch.randn(3, 7)
    adapter = LoRALinear(base, LoRA(rank=2, alpha=5), rows)
    torch.testing.assert_close(adapter(x), base(x), rtol=0, atol=0)  # B is zero
    nn.init.normal_(adapter.B)
    found = adapter(x)
    torch.testing.assert_close(found.double(), by_hand(x, base, adapter), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(nn.functional.linear(x, adapter.weight, adapter.bias), found, rtol=0, atol=1e-5)
    merged = adapter.merged()
    assert merged is base
    torch.testing.assert_close(merged(x), found, rtol=0, atol=1e-5)


def test_the_dropout_is_of_what_the_adapter_reads_alone_and_of_training_alone():
    torch.manual_seed(1)
    base, x = nn.Linear(7, 11), torch.randn(3, 7)
    adapter = LoRALinear(base, LoRA(rank=2, dropout=0.5))
    nn.init.normal_(adapter.B)
    torch.manual_seed(2)
    found = adapter.train()(x)
    torch.manual_seed(2)
    dropped = nn.functional.dropout(x, 0.5)
    torch.testing.assert_close(found, base(x) + adapter.scale * dropped @ adapter.A.T @ adapter.B.T)
    assert not torch.equal(found, adapter.eval()(x))


@pytest.mark.parametrize("layers", [("query", "value"), ("attention.out", "feed_forward.up"), ("all-linear",)])
def test_a_model_is_the_same_at_first_learns_in_its_adapters_alone_and_is_merged(layers):
    model = gpt()
    before, plain = model(IDS), {name: p.clone() for name, p in model.named_parameters()}
    names = add_lora(model, LoRA(rank=2, layers=layers))
    assert torch.equal(model(IDS), before)
    assert {name for name, p in model.named_parameters() if p.requires_grad} == {
        f"{name}.{matrix}" for name in names for matrix in "AB"
    }
    randomize(model)
    adapted = model(IDS)
    adapted.square().sum().backward()
    assert all(p.grad is None for p in model.parameters() if not p.requires_grad)
    assert all(a.A.grad.abs().sum() > 0 and a.B.grad.abs().sum() > 0 for a in adapters_in(model).values())
    merge_lora(model)
    torch.testing.assert_close(model(IDS), adapted, rtol=0, atol=1e-6)
    assert {name: p.shape for name, p in model.named_parameters()} == {name: p.shape for name, p in plain.items()}
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, plain[name])}
    assert changed == {f"{name}.weight" for name in names}


def test_queries_and_values_of_a_packed_projection_are_adapted_apart():
    model = gpt()
    before = model.blocks[1].attention.qkv.weight.clone()
    assert layers_of(model, ("query", "value")) == {f"blocks.{i}.attention.qkv": [(0, 12), (24, 36)] for i in (0, 1)}
    add_lora(model, LoRA(rank=2))
    randomize(model)
    merge_lora(model)
    moved = (model.blocks[1].attention.qkv.weight - before).abs().sum(1) > 0
    assert moved.tolist() == [True] * 12 + [False] * 12 + [True] * 12


def test_heads_that_share_keys_and_attention_to_a_memory():
    torch.manual_seed(0)
    model = nn.ModuleDict({"attention": Attention(12, heads=6, kv_heads=2)})
    assert layers_of(model, ["key"]) == {"attention.qkv": [(12, 16)]}
    add_lora(model, LoRA(rank=2, layers=("query", "key", "value")))
    randomize(model)
    x, memory = torch.randn(2, 3, 12), torch.randn(2, 5, 12)
    own, across = model["attention"](x), model["attention"](x, memory=memory)
    merge_lora(model)
    torch.testing.assert_close(model["attention"](x), own, rtol=0, atol=1e-6)
    torch.testing.assert_close(model["attention"](x, memory=memory), across, rtol=0, atol=1e-6)


def test_the_matrix_of_a_tied_output_is_an_embedding_and_stays():
    assert "output" not in layers_of(gpt(), ["all-linear"])
    assert "output" in layers_of(gpt(tied=False), ["all-linear"])


WRONG = {
    "a layer": (
        {"layers": ["q_proj"]},
        r"unknown layer for LoRA 'q_proj'; known: all-linear, query, key, value, atten",
    ),
    "a near name": ({"layers": ["values"]}, "did you mean 'value'"),
    "twice": ({"layers": ["attention.qkv", "key"]}, "rows of blocks.0.attention.qkv twice"),
    "no rank": ({"rank": 0}, "rank of LoRA is 0, expected 1 or more"),
    "a large rank": ({"rank": 13}, "rank of LoRA is 13, more than a matrix of 36 x 12 has"),
    "alpha": ({"alpha": 0}, "alpha of LoRA is 0, expected more than 0"),
    "dropout": ({"dropout": 1.0}, "dropout of LoRA is 1.0, expected a fraction"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_refused(name):
    more, message = WRONG[name]
    with pytest.raises(UserError, match=message):
        add_lora(gpt(), LoRA(**more))


def test_a_model_without_linear_layers_is_refused():
    with pytest.raises(UserError, match="Embedding has no linear layer"):
        add_lora(nn.Embedding(3, 5), LoRA())


def kept_for_the_gradient(model, ids):
    """Bytes of all that a forward pass keeps, but for the weights themselves; memory that is shared counts once."""
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    found = {}

    def note(tensor):
        memory = tensor.untyped_storage()
        if memory.data_ptr() not in weights:
            found[memory.data_ptr()] = memory
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        model(ids, torch.ones_like(ids, dtype=torch.bool)).sum()
    return sum(memory.nbytes() for memory in found.values())


def test_frozen_layers_keep_nothing_that_their_gradient_does_not_need():
    rows, columns, width, depth = 8, 32, 64, 3
    sizes = {"vocab_size": 31, "width": width, "heads": 4, "depth": depth, "context_length": columns, "dropout": 0.1}
    ids = torch.randint(31, (rows, columns), generator=torch.Generator().manual_seed(0))
    unit, kept = 4 * rows * columns * width * depth, {}  # bytes of one vector for each token and layer
    for name in ("full", "lora"):
        model = build("bert", sizes).train()
        for attention in (m for m in model.modules() if isinstance(m, Attention)):
            attention.dropout = 0.0
        if name == "lora":
            add_lora(model, LoRA(rank=2))
        kept[name] = kept_for_the_gradient(model, ids) / unit
    # queries, keys, values, what attention mixed; the input of GELU (4); of two norms; a byte for each of two dropouts.
    # LoRA: what the thin matrix reads. In full: what the linear layers read (1 + 1 + 4) more, for two of them the same.
    assert kept["lora"] < 3 + 1 + 4 + 2 + 2 / 4 + 1 + 0.3
    assert kept["full"] < 3 + 1 + 4 + 2 + 2 / 4 + (1 + 1 + 4) + 1 + 0.3
