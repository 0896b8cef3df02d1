"""Losses of detectors: by hand, and gradients that are finite where boxes do not meet."""

import math

import pytest
import torch

from lingon.layers.box_losses import center_focal_loss, generalized_iou


def test_generalized_overlap_by_hand():
    box = torch.tensor([0.0, 0.0, 4.0, 3.0])
    others = torch.tensor([[0.0, 0, 4, 3], [2.0, 0, 6, 3], [6.0, 0, 10, 3], [1.0, 1, 3, 2]])
    # equal; half of each shared: 6 / 18, around 18; apart: none of 24, around 30; inside: 2 of 12
    wanted = [1.0, 6 / 18, 0 - (30 - 24) / 30, 2 / 12]
    assert generalized_iou(box.expand(4, 4), others).tolist() == pytest.approx(wanted)


def test_boxes_without_area_or_far_apart_have_a_gradient():
    found = torch.tensor([[5.0, 5, 5, 5], [50.0, 50, 60, 60]], requires_grad=True)
    generalized_iou(found, torch.tensor([[0.0, 0, 4, 3], [0.0, 0, 4, 3]])).sum().backward()
    assert found.grad.isfinite().all()
    assert (found.grad[1] != 0).any()


def test_focal_loss_by_hand():
    p = torch.tensor([0.2, 0.7, 0.1])
    target = torch.tensor([1.0, 0.5, 0.0])
    wanted = [-(0.8**2) * math.log(0.2), -(0.5**4) * 0.7**2 * math.log(0.3), -(0.1**2) * math.log(0.9)]
    assert center_focal_loss(p.logit(), target).tolist() == pytest.approx(wanted, rel=1e-5)
