"""Exports models as declarative programs: one JSON file and its constants, run by `lingon.program` on NumPy alone."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from lingon import program as P
from lingon.core.errors import UserError
from lingon.export.graph import graph_of
from lingon.models.registry import entry_of_model


def write_program(model: nn.Module, path: Path) -> None:
    """Write the program of a model, (ids [B, T], mask [B, T]) -> logits [B, C], with any B and T.

    Raises UserError for a model whose entry has no program.
    """
    entry = entry_of_model(model)
    if entry is None or entry.program is None:
        raise UserError(f"{type(model).__name__} has no program (`program` of its ENTRY); export it --to onnx or torch")
    logits = entry.program(graph_of(model), P.Variable("ids"), P.Variable("mask"))
    P.compile(logits).save(path)


def run_program(path: Path) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return the function in a file that `write_program` wrote."""
    program = P.load(path)
    return lambda ids, mask: program(ids=ids, mask=mask)
