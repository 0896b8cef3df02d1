"""Hidden states and attention weights of every layer, against plain loops; a recording leaves the model as it is."""

import copy
import threading

import pytest
import torch

from lingon.interpret.recording import blocks_of, in_equal_lengths, record
from lingon.models.registry import build
from tests.contracts.test_encoders import TEXTS, made
from tests.models import plain_bert
from tests.models.encoder_configs import ENCODERS


def bert(**more):
    torch.manual_seed(3)
    sizes = {"vocab_size": 31, "width": 10, "heads": 5, "depth": 3, "context_length": 13}
    model = build("bert", sizes | more).eval()
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.4)
    return model


@torch.no_grad()
def test_hidden_states_are_those_of_a_model_with_fewer_layers():
    model, ids = bert(), [3, 5, 7, 2, 11, 30]
    found = record(model, torch.tensor([ids])).hidden
    assert len(found) == 4
    for depth, hidden in enumerate(found):
        shorter = copy.deepcopy(model)
        shorter.blocks = shorter.blocks[:depth]
        expected = plain_bert.hidden(shorter, ids, [0] * len(ids), 0, 5, 1e-12)
        assert (hidden[0] - expected).abs().max() < 1e-5


@torch.no_grad()
def test_attention_weights_are_the_softmax_of_the_products_of_each_head():
    model, ids = bert(), torch.tensor([[3, 5, 7, 2], [1, 2, 3, 4]])
    found = record(model, ids)
    assert [maps.shape for maps in found.attention] == [(2, 5, 4, 4)] * 3
    for block, x, maps in zip(model.blocks, found.hidden, found.attention, strict=False):
        qkv = x @ block.attention.qkv.weight.T + block.attention.qkv.bias
        for row in range(2):
            for head in range(5):
                q, k = (qkv[row, :, start + 2 * head : start + 2 * head + 2] for start in (0, 10))
                for i in range(4):
                    scores = torch.stack([q[i] @ k[j] for j in range(4)]) / 2**0.5
                    assert (maps[row, head, i] - scores.exp() / scores.exp().sum()).abs().max() < 1e-5


@pytest.mark.parametrize("name", ENCODERS)
@torch.no_grad()
def test_every_encoder_is_recorded_and_left_as_it_was(name):
    model = made(name)
    ids = torch.tensor([TEXTS[0]])
    before = model(ids, torch.ones_like(ids, dtype=torch.bool))
    found = record(model, ids)
    assert len(found.hidden) == len(found.attention) + 1 > 1
    assert all((maps.sum(-1) - 1).abs().max() < 1e-5 for maps in found.attention)
    norm = getattr(model, "norm", torch.nn.Identity())  # what ModernBERT does to the output of its last layer
    assert (norm(found.hidden[-1]) - before).abs().max() < 1e-5
    assert torch.equal(model(ids, torch.ones_like(ids, dtype=torch.bool)), before)
    assert not any("forward" in block.__dict__ for block in blocks_of(model))


def test_a_table_of_vectors_has_one_layer_and_no_attention():
    model = build("static", {"vocab_size": 7, "width": 3})
    found = record(model, torch.tensor([[1, 2]]))
    assert torch.equal(found.hidden[0][0], model.embedding.weight[1:3])
    assert (len(found.hidden), found.attention) == (1, [])


def test_other_threads_record_nothing():
    model, ids, seen = bert(), torch.tensor([[1, 2, 3]]), []

    def other():
        for _ in range(20):
            with torch.no_grad():
                seen.append(model(ids, torch.ones_like(ids, dtype=torch.bool)))

    thread = threading.Thread(target=other)
    thread.start()
    counts = {len(record(model, ids).attention) for _ in range(20)}
    thread.join()
    assert (counts, len(seen)) == ({3}, 20)


def test_rows_of_one_length_go_together():
    rows = [[1, 2], [3], [4, 5], [], [6, 7]]
    found = [(numbers, ids.tolist()) for numbers, ids in in_equal_lengths(rows, tokens=4)]
    assert found == [([3], [[]]), ([1], [[3]]), ([0, 2], [[1, 2], [4, 5]]), ([4], [[6, 7]])]
