"""Losses by comparison are those of their papers, in loops."""

import math

import pytest
import torch

from lingon.core.errors import UserError
from lingon.layers.contrastive_losses import (
    cosent,
    cosine_mse,
    in_batch_negatives,
    matryoshka,
    supervised_contrastive,
)


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


def test_what_is_excluded_says_nothing_against_a_text():
    a, b, n, t = vectors(4, 2), vectors(4, 3), vectors(3, 4), 0.2
    excluded = torch.zeros(4, 7, dtype=torch.bool)
    excluded[0, 2] = excluded[0, 6] = excluded[3, 4] = True
    wanted = 0.0
    for i in range(4):
        shares = [0 if excluded[i, j] else math.exp(cosine(a[i], other) / t) for j, other in enumerate([*b, *n])]
        wanted -= math.log(shares[i] / sum(shares))
    assert in_batch_negatives(a, b, n, t, excluded).item() == pytest.approx(wanted, rel=1e-4)


def test_cosent_counts_pairs_in_the_wrong_order():
    a, b, t = vectors(5, 2), vectors(5, 3), 0.3
    scores = [2.0, 5.0, 2.0, 0.0, 1.0]
    cosines = [cosine(x, y) for x, y in zip(a, b, strict=True)]
    wrong = [
        math.exp((cosines[j] - cosines[i]) / t) for i in range(5) for j in range(5) if scores[i] > scores[j]
    ]  # equal scores have no order
    assert len(wrong) == 9
    assert cosent(a, b, torch.tensor(scores), t).item() == pytest.approx(math.log(1 + sum(wrong)), rel=1e-4)
    assert cosent(a, b, torch.tensor(scores) * 70 - 3, t).item() == pytest.approx(math.log(1 + sum(wrong)), rel=1e-4)


def test_cosent_of_scores_that_are_all_the_same_is_zero():
    a = vectors(3, 2).requires_grad_(True)
    loss = cosent(a, vectors(3, 3), torch.ones(3))
    loss.backward()
    assert loss == 0
    assert a.grad.isfinite().all()


def test_squared_errors_of_cosines():
    a, b, scores = vectors(4, 2), vectors(4, 3), [0.0, 1.0, 0.25, 0.5]
    wanted = sum((cosine(x, y) - s) ** 2 for x, y, s in zip(a, b, scores, strict=True))
    assert cosine_mse(a, b, torch.tensor(scores)).item() == pytest.approx(wanted, rel=1e-4)


def test_every_width_of_a_matryoshka_counts_alike():
    a, b, n = vectors(5, 2), vectors(5, 3), vectors(2, 4)
    each = [in_batch_negatives(a[:, :w], b[:, :w], n[:, :w], 0.2) for w in (3, 7)]
    loss = lambda first, second, hard: in_batch_negatives(first, second, hard, 0.2)
    assert matryoshka(loss, [3, 7], a, b, n).item() == pytest.approx(sum(each).item() / 2)
    with pytest.raises(UserError, match=r"the widths are \[8\], expected numbers from 1 to 7"):
        matryoshka(loss, [8], a, b, n)


def test_mixed_precision_leaves_cosines_exact():
    x, y = vectors(5, 3).bfloat16(), vectors(5, 4).bfloat16()
    exact = in_batch_negatives(x, y), supervised_contrastive(x, torch.tensor([0, 1, 0, 1, 1]))
    with torch.autocast("cpu", torch.bfloat16):
        found = in_batch_negatives(x, y), supervised_contrastive(x, torch.tensor([0, 1, 0, 1, 1]))
    assert torch.equal(torch.stack(found), torch.stack(exact))
