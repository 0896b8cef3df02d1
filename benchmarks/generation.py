"""Greedy generation: new tokens a second against `generate` of transformers, token for token the same."""

from collections.abc import Iterator
from typing import Any

import torch

from benchmarks.context import Context
from benchmarks.machine import THREADS
from benchmarks.measure import paired
from benchmarks.result import Result, Row, speed
from benchmarks.worker import Worker
from lingon.checkpoints.huggingface.save import save_hub
from lingon.core.errors import UserError
from lingon.models.gpt import GPT

# GPT-2's shape: depth, width, new tokens, and the bar of each.
SIZES = [(4, 128, 192, 1.5), (6, 384, 96, 1.4), (12, 768, 48, 1.2)]
VOCABULARY, PROMPT, INT8_BAR = 50_257, 32, 1.6
NAME = "transformers"


def compare(context: Context) -> Iterator[Result]:
    """One result: each size with one prompt and with eight, and the largest with weights of 8 bits."""
    rows: list[Row] = []
    details: dict[str, Any] = {"vocabulary": VOCABULARY, "prompt": PROMPT, "weights": "random, the same on both sides"}
    versions: dict[str, str] = {}
    for depth, width, new, bar in SIZES[: context.size(3, 1)]:
        folder = str(save_hub(_model(depth, width), context.folder / f"{depth}x{width}"))
        with Worker("lingon_generate") as ours, Worker("transformers_generate", "transformers") as theirs:
            ours.ask("start", {"folder": folder, "threads": THREADS})
            versions |= theirs.ask("start", {"folder": folder, "threads": THREADS})["versions"]
            for batch in (1, 8):
                for weights in ("float32", "int8") if depth == 12 else ("float32",):
                    work = {"ids": _prompts(batch), "new": new if batch == 1 else new // 2}
                    row, facts = _measured(context, ours, theirs, work, weights, INT8_BAR if weights == "int8" else bar)
                    rows.append(
                        row(f"greedy generation, {depth} layers of {width}, {batch} at once, {said(facts, weights)}")
                    )
                    details[f"{depth}x{width}, {batch}, {weights}"] = facts
    yield Result("generation", rows, details, versions)


def _measured(context: Context, ours: Worker, theirs: Worker, work: dict, weights: str, bar: float):
    """A row without its name, and figures of every turn; tokens are compared before anything is timed."""
    mine = ours.ask("run", work | {"weights": weights})["ids"]
    yours = theirs.ask("run", work)["ids"]
    agreement = _agreement(mine, yours)
    if weights == "float32" and agreement < 1:
        raise UserError(f"only {agreement:.1%} of the tokens are the same; speed would mean nothing")
    turns = paired(
        lambda: ours.seconds("run", work | {"weights": weights}),
        lambda: theirs.seconds("run", work),
        context.pairs,
        context.warmups,
    )
    amount = len(work["ids"]) * work["new"]
    facts = {"new_tokens": work["new"], "agreement": agreement, "ours": turns.ours, "theirs": turns.theirs}
    return lambda what: speed(what, "tokens/s", amount, turns, NAME, bar), facts


def said(facts: dict[str, Any], weights: str) -> str:
    """The weights, and how far the tokens are the same as theirs.

    >>> said({"agreement": 0.5}, "int8")
    'int8 (50 % of the tokens the same)'
    """
    same = facts["agreement"]
    return f"{weights} ({'the same tokens' if same == 1 else f'{100 * same:.0f} % of the tokens the same'})"


def _agreement(mine: list[list[int]], yours: list[list[int]]) -> float:
    """The share of tokens that are the same, up to the first that differs in each text."""
    same = 0
    for a, b in zip(mine, yours, strict=True):
        same += next((i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y), len(b))
    return same / sum(map(len, yours))


def _model(depth: int, width: int) -> GPT:
    torch.manual_seed(0)
    return GPT(VOCABULARY, width, depth, heads=max(1, width // 64), context_length=1024)


def _prompts(batch: int) -> list[list[int]]:
    dice = torch.Generator().manual_seed(batch)
    return torch.randint(VOCABULARY, (batch, PROMPT), generator=dice).tolist()
