"""Embedding: padding stays zero, and pretrained vectors go to the rows of their tokens."""

import numpy as np
import pytest
import torch

from lingon.core.errors import UserError
from lingon.layers.embedding import Embedding, load_pretrained

VOCAB = ["[pad]", "[unk]", "film", "good", "zzz"]
TOKENS = ["good", "bad", "film"]
TABLE = np.arange(9, dtype=np.float32).reshape(3, 3)


def fresh():
    torch.manual_seed(0)
    return Embedding(5, 3)


def test_padding_is_zero_and_has_no_gradient():
    embedding = fresh()
    ids = torch.tensor([[2, 0], [3, 3]])
    out = embedding(ids)
    assert not out[0, 1].any()
    out.sum().backward()
    assert embedding.weight.grad.sum(1).tolist() == [0, 0, 3, 6, 0]


def test_vectors_go_to_their_tokens_and_the_rest_stays():
    embedding, before = fresh(), fresh().weight.detach()
    assert load_pretrained(embedding, VOCAB, TOKENS, TABLE) == 2 / 5
    assert embedding.weight[2].tolist() == [6, 7, 8]
    assert embedding.weight[3].tolist() == [0, 1, 2]
    assert torch.equal(embedding.weight[[0, 1, 4]], before[[0, 1, 4]])
    assert embedding.weight.requires_grad


def test_coverage_of_the_text_when_counts_are_given():
    counts = {"film": 5, "good": 2, "zzz": 1, "rare": 3}
    assert load_pretrained(fresh(), VOCAB, TOKENS, TABLE, counts=counts) == (5 + 2) / (5 + 2 + 1 + 3)
    assert load_pretrained(fresh(), VOCAB, TOKENS, TABLE, counts={}) == 0


def test_frozen_or_not():
    embedding = fresh()
    load_pretrained(embedding, VOCAB, TOKENS, TABLE, freeze=True)
    assert not embedding.weight.requires_grad
    load_pretrained(embedding, VOCAB, TOKENS, TABLE)
    assert embedding.weight.requires_grad


def test_nothing_found_is_a_coverage_of_zero():
    before = fresh().weight.detach()
    embedding = fresh()
    assert load_pretrained(embedding, VOCAB, ["other"], TABLE[:1]) == 0
    assert torch.equal(embedding.weight, before)


def test_padding_stays_zero_even_if_the_table_has_its_name():
    embedding = fresh()
    load_pretrained(embedding, VOCAB, ["[pad]"], TABLE[2:])
    assert not embedding.weight[0].any()


def test_sizes_that_do_not_fit_are_named():
    with pytest.raises(UserError, match="vectors have width 2, the embedding 3; set --width 2"):
        load_pretrained(fresh(), VOCAB, TOKENS, TABLE[:, :2])
    with pytest.raises(UserError, match="4 tokens for an embedding of 5 rows"):
        load_pretrained(fresh(), VOCAB[:4], TOKENS, TABLE)
    with pytest.raises(UserError, match="2 words for 3 vectors"):
        load_pretrained(fresh(), VOCAB, TOKENS[:2], TABLE)
