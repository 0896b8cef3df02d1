"""Writes a traced model as a .pt2 file of `torch.export` that contains nothing pickled."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from lingon.core.errors import UserError
from lingon.export.trace import silence_torch

NOTES = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn")


def write_torch(program: ExportedProgram, path: Path) -> None:
    """Write the graph and its weights as a file that `torch.export.load` reads, without Lingon.

    Raises UserError when the file would hold anything pickled.
    """
    for node in program.graph.nodes:
        for note in NOTES:  # source locations of operators on this machine
            node.meta.pop(note, None)
    program.example_inputs = None  # the one part that torch would pickle
    with silence_torch():
        torch.export.save(program, path)
    if pickled := pickled_parts(path):
        raise UserError(f"not exported: torch would pickle {pickled[0]}, which can run code when it is loaded")


def run_torch(path: Path) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the function in a file that `write_torch` wrote. Raises UserError for a file with anything pickled."""
    if pickled := pickled_parts(path):
        raise UserError(f"{path}: {pickled[0]} is pickled, which can run code; it is not loaded")
    with silence_torch():
        return torch.export.load(path).module()


def pickled_parts(path: Path) -> list[str]:
    """Return the names of the parts of a .pt2 file that are pickled, or archives of pickles themselves."""
    with zipfile.ZipFile(path) as archive:
        return [part.filename for part in archive.infolist() if _pickled(archive, part)]


def _pickled(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    if part.filename.endswith("_config.json"):
        return b'"use_pickle": true' in archive.read(part)
    return part.file_size > 0 and part.filename.endswith((".pt", ".pkl"))
