"""What the self-attentive model says of where it looks, and what it adds to the loss."""

import torch

from lingon.data.batches import collate
from lingon.layers.structured_attention import attention_overlap
from lingon.models.registry import build

SIZES = {"vocab_size": 31, "classes": 3, "width": 5, "hidden": 7, "attention": 11, "hops": 2, "penalty_weight": 0.5}
BATCH = collate([[2, 3, 5, 7], [11], [13, 17]])


def made():
    torch.manual_seed(0)
    return build("self_attentive", SIZES | {"dropout": 0.0})


def test_the_penalty_is_the_overlap_of_the_last_training_pass_once():
    model = made().train()
    weights = model.attention(BATCH.ids, BATCH.mask)
    assert model.penalty() == 0  # no pass yet
    model(BATCH.ids, BATCH.mask)
    torch.testing.assert_close(model.penalty(), 0.5 * attention_overlap(weights))
    assert model.penalty() == 0


def test_no_penalty_outside_training():
    model = made().eval()
    model(BATCH.ids, BATCH.mask)
    assert model.penalty() == 0


def test_the_penalty_drives_the_hops_apart():
    model = made().train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    overlaps = []
    for _ in range(30):
        model(BATCH.ids, BATCH.mask)
        loss = model.penalty()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        overlaps.append(loss.item())
    assert overlaps[-1] < overlaps[0] * 0.8


def test_attention_is_on_request():
    weights = made().eval().attention(BATCH.ids, BATCH.mask)
    assert weights.shape == (3, 2, 4)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 2))
