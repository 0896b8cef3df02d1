"""Prefill: reading of the prompts of a batch; a common prefix, and a repeated prompt and source, are read once."""

from collections.abc import Hashable, Sequence
from itertools import takewhile

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.decoding.decoder_protocol import Decodable, DecoderState, select_rows


def read(
    model: Decodable,
    prompts: Sequence[Sequence[int]],
    sources: Sequence[Hashable] | None = None,
    device: torch.device | str = "cpu",
) -> tuple[Float[Tensor, "B V"], DecoderState]:
    """Return logits [B, V] after each prompt, and the state of the batch.

    Prompts may differ in length; none may be empty. sources: of each text, None for a language model. Equal prompts
    with different sources are different rows.
    """
    if not prompts or not all(prompts):
        raise UserError("a prompt is empty; give it at least one token")
    rows = list(zip([None] * len(prompts) if sources is None else sources, map(tuple, prompts), strict=True))
    places = {row: place for place, row in enumerate(dict.fromkeys(rows))}
    different, order = [prompt for _, prompt in places], [places[row] for row in rows]
    shared = _common_prefix(different) if len({source for source, _ in places}) == 1 else 0
    state = model.begin([source for source, _ in places][: 1 if shared else None])
    if shared:
        _, state = model.step(torch.tensor([different[0][:shared]], device=device), state)
        state = select_rows(state, [0] * len(different))
    logits, state = _read_rests(model, state, [prompt[shared:] for prompt in different], device)
    if order == list(range(len(different))):
        return logits, state
    return logits[order], select_rows(state, order)


def _common_prefix(prompts: list[tuple[int, ...]]) -> int:
    """Return the length of the common prefix, at least one id less than each prompt; 0 for a single prompt."""
    if len(prompts) == 1:
        return 0
    alike = takewhile(lambda ids: len(set(ids)) == 1, zip(*prompts, strict=False))
    return min(len(list(alike)), min(map(len, prompts)) - 1)


def _read_rests(
    model: Decodable, state: DecoderState, rests: list[tuple[int, ...]], device: torch.device | str
) -> tuple[Tensor, DecoderState]:
    ids, mask = padded_left(rests)
    return model.step(ids.to(device), state, None if mask.all() else mask.to(device))


def padded_left(rows: Sequence[Sequence[int]]) -> tuple[Int[Tensor, "B T"], Bool[Tensor, "B T"]]:
    """Return rows as one tensor, padded with 0 on the left, and the mask (True for text).

    >>> padded_left([[7], [3, 5]])[0].tolist()
    [[0, 7], [3, 5]]
    """
    longest = max(map(len, rows))
    ids = torch.tensor([[0] * (longest - len(row)) + list(row) for row in rows])
    mask = torch.arange(longest) >= longest - torch.tensor([[len(row)] for row in rows])
    return ids, mask
