"""Checks, hints and solutions of lesson 08."""

import torch

from lingon.learn.exercises import Exercise


def gru_step(x, h, W, U, b, d):
    from_x, from_h = (W @ x + b).chunk(3), (U @ h + d).chunk(3)
    r = (from_x[0] + from_h[0]).sigmoid()
    z = (from_x[1] + from_h[1]).sigmoid()
    n = (from_x[2] + r * from_h[2]).tanh()
    return (1 - z) * n + z * h


def check_gru_step(gru_step):
    torch.manual_seed(0)
    cell = torch.nn.GRUCell(5, 3)
    x, h = torch.randn(5), torch.randn(3)
    with torch.no_grad():
        found = gru_step(x, h, cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)
        truth = cell(x[None], h[None])[0]
        assert tuple(found.shape) == (3,), (
            f"The new state has shape {tuple(found.shape)}, expected (3,), like the old one."
        )
        begun = gru_step(x, torch.zeros(3), cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)
        zero = cell(x[None], torch.zeros(1, 3))[0]
        assert torch.allclose(begun, zero, atol=1e-5), (
            f"From h = 0 the new state should be {_shown(zero)}, yours is {_shown(begun)}."
        )
        assert torch.allclose(found, truth, atol=1e-5), (
            f"From h = 0 it is right, but from h = {_shown(h)} it should be {_shown(truth)}, yours is {_shown(found)}."
        )


def _shown(tensor):
    return "[" + ", ".join(f"{value:.3f}" for value in tensor.tolist()) + "]"


def clipped(gradients, longest):
    norm = sum(g.square().sum().item() for g in gradients) ** 0.5
    factor = min(1.0, longest / norm) if norm else 1.0
    return [g * factor for g in gradients]


def check_clipped(clipped):
    gradients = [torch.ones(3, 3), torch.ones(4, 4)]  # 25 ones: the norm is 5
    found = clipped(gradients, 1.0)
    assert len(found) == 2, f"There are 2 gradients, you returned {len(found)}."
    assert [g.shape for g in found] == [g.shape for g in gradients], "The shapes must not change."
    for g in found:
        assert torch.allclose(g, torch.full_like(g, 0.2)), (
            f"25 ones have the norm 5, so for longest=1 each becomes 0.2; yours begin with {g.flatten()[0]:.4f}."
        )
    slopes = clipped([torch.tensor([3.0]), torch.tensor([[-4.0, 12.0]])], 6.5)
    assert torch.allclose(slopes[1], torch.tensor([[-2.0, 6.0]])), (
        f"3, -4 and 12 have the norm 13, so for longest=6.5 they are halved; yours end with {slopes[1].tolist()}."
    )
    assert torch.equal(gradients[0], torch.ones(3, 3)), "The gradients you were given were modified; make new tensors."
    same = clipped(gradients, 7.0)
    assert torch.allclose(same[0], gradients[0]), "A norm of 5 is below longest=7, so nothing should change."
    still = clipped([torch.zeros(2)], 1.0)
    assert torch.equal(still[0], torch.zeros(2)), "Gradients that are all 0 should stay 0 (no division by 0)."


def backwards(rows):
    turned = []
    for row in rows:
        words = [i for i in row if i != 0]
        turned.append(words[::-1] + [0] * (len(row) - len(words)))
    return turned


def check_backwards(backwards):
    rows = [[7, 5, 3, 2], [9, 4, 0, 0], [6, 0, 0, 0], [0, 0, 0, 0]]
    found = [list(row) for row in backwards([list(row) for row in rows])]
    for row, turned, truth in zip(rows, found, [[2, 3, 5, 7], [4, 9, 0, 0], [6, 0, 0, 0], [0, 0, 0, 0]], strict=True):
        assert turned == truth, f"{row} reversed is {truth}, yours is {turned}."
    given = [list(row) for row in rows]
    backwards(given)
    assert given == rows, "The rows you were given were modified; make new lists."


EXERCISES = [
    Exercise(
        "The gated recurrent unit",
        check_gru_step,
        (
            "Compute W @ x + b and U @ h + d once, and split each into three pieces with chunk(3).",
            "For r and z, add the pieces and apply sigmoid; for n, multiply its piece of U @ h + d by r, then add.",
            "The last line is (1 - z) * n + z * h: z near 1 keeps the old state.",
        ),
        gru_step,
    ),
    Exercise(
        "Gradient clipping",
        check_clipped,
        (
            "There is one norm for all gradients together, not one for each.",
            "Sum the squares over all tensors, then take the square root. The factor is longest / norm, at most 1.",
            "norm = sum(g.square().sum().item() for g in gradients) ** 0.5; handle a norm of 0.",
        ),
        clipped,
    ),
    Exercise(
        "Reverse padded texts",
        check_backwards,
        (
            "Look at one row: which part of it is text, and how long is the rest?",
            "Reverse the part that is not 0, then pad with zeros to the old length.",
            "words[::-1] + [0] * (len(row) - len(words)), for each row.",
        ),
        backwards,
    ),
]
