"""Reads the prompts of a batch: what several of them begin with is read once, and so is a prompt that comes twice."""

from collections.abc import Callable, Sequence
from itertools import takewhile

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.decoding.decoder_protocol import DecoderState, Step, select


def read(
    step: Step,
    fresh: Callable[[int], DecoderState],
    prompts: Sequence[Sequence[int]],
    device: torch.device | str = "cpu",
) -> tuple[Float[Tensor, "B V"], DecoderState]:
    """Return logits [B, V] after each prompt, and the state of the batch.

    fresh: makes the state of so many rows before the first token. Prompts may differ in length; none may be empty.
    """
    if not prompts or not all(prompts):
        raise UserError("a prompt is empty; give it a token at least")
    different = list(dict.fromkeys(map(tuple, prompts)))
    alike = takewhile(lambda ids: len(set(ids)) == 1, zip(*different, strict=False))
    shared = len(list(alike)) if len(different) > 1 else 0
    shared = min(shared, min(map(len, different)) - 1)  # each row must say something of its own
    state = fresh(1 if shared else len(different))
    if shared:
        _, state = step(torch.tensor([different[0][:shared]], device=device), state)
        state = select(state, [0] * len(different))
    logits, state = _read_rests(step, state, [prompt[shared:] for prompt in different], device)
    order = [different.index(tuple(prompt)) for prompt in prompts]
    if order == list(range(len(different))):
        return logits, state
    return logits[order], select(state, order)


def _read_rests(step: Step, state: DecoderState, rests: list[tuple[int, ...]], device) -> tuple[Tensor, DecoderState]:
    ids, mask = padded_left(rests)
    return step(ids.to(device), state) if mask.all() else step(ids.to(device), state, mask.to(device))


def padded_left(rows: Sequence[Sequence[int]]) -> tuple[Int[Tensor, "B T"], Bool[Tensor, "B T"]]:
    """Return rows as one tensor, the shorter ones padded with 0 on the left, and the mask of what is text.

    >>> padded_left([[7], [3, 5]])[0].tolist()
    [[0, 7], [3, 5]]
    """
    longest = max(map(len, rows))
    ids = torch.tensor([[0] * (longest - len(row)) + list(row) for row in rows])
    mask = torch.arange(longest) >= longest - torch.tensor([[len(row)] for row in rows])
    return ids, mask
