"""Losses by comparison are those of their papers, in loops."""

import math

import pytest
import torch

from lingon.core.errors import UserError
from lingon.layers.contrastive_losses import in_batch_negatives, matryoshka, supervised_contrastive


def cosine(a, b):
    return float(a @ b / (a.norm() * b.norm()))


def vectors(rows, seed):
    return torch.randn(rows, 7, generator=torch.Generator().manual_seed(seed))


def test_texts_of_one_label_are_compared_with_all_others():
    x, labels, t = vectors(6, 0), torch.tensor([0, 1, 0, 2, 1, 0]), 0.3
    wanted = 0.0
    for i in range(6):
        alike = [p for p in range(6) if p != i and labels[p] == labels[i]]
        total = sum(math.exp(cosine(x[i], x[a]) / t) for a in range(6) if a != i)
        for p in alike:
            wanted -= math.log(math.exp(cosine(x[i], x[p]) / t) / total) / len(alike)
    assert supervised_contrastive(x, labels, t).item() == pytest.approx(wanted, rel=1e-4)


def test_a_text_that_is_alone_with_its_label_counts_for_nothing():
    x = vectors(3, 1).requires_grad_(True)
    loss = supervised_contrastive(x, torch.tensor([0, 1, 2]))
    loss.backward()
    assert loss == 0
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("hard", [0, 4])
def test_each_pair_is_compared_with_the_others_and_hard_negatives(hard):
    a, b, n, t = vectors(5, 2), vectors(5, 3), vectors(hard, 4), 0.2
    wanted = 0.0
    for i in range(5):
        shares = [math.exp(cosine(a[i], other) / t) for other in [*b, *n]]
        wanted -= math.log(shares[i] / sum(shares))
    found = in_batch_negatives(a, b, n if hard else None, t)
    assert found.item() == pytest.approx(wanted, rel=1e-4)


def test_every_width_of_a_matryoshka_counts_alike():
    a, b, n = vectors(5, 2), vectors(5, 3), vectors(2, 4)
    each = [in_batch_negatives(a[:, :w], b[:, :w], n[:, :w], 0.2) for w in (3, 7)]
    assert matryoshka(a, b, [3, 7], n, 0.2).item() == pytest.approx(sum(each).item() / 2)
    with pytest.raises(UserError, match=r"the widths are \[8\], expected numbers from 1 to 7"):
        matryoshka(a, b, [8])
