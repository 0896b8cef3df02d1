"""Traces a model to a graph of PyTorch operators; code that cannot be traced is refused with its line and a remedy."""

import contextlib
import inspect
import io
import linecache
import logging
import re
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jaxtyping
import torch
from torch import nn
from torch.export import Dim, ExportedProgram
from torch.utils._pytree import tree_map

from lingon.core.errors import UserError
from lingon.export.one_lstm import with_one_lstms

# Patterns in lines that cannot be traced, and what to write instead.
REMEDIES = (
    (r"\.numpy\(|\bnp\.", "NumPy is outside the graph: use the function of torch that does the same"),
    (r"\.(item|tolist)\(|\b(int|float|bool)\(", "a number taken out of a tensor: keep it a tensor"),
    (r"^(if|elif|while)\b.*(shape|size|len)\b", "a branch on a size: compute for all sizes alike, as by padding"),
    (r"^(if|elif)\b| if ", "a branch on what a tensor holds: write torch.where(condition, a, b)"),
    (r"^while\b", "a loop that ends by what a tensor holds: run all steps and keep those that count by torch.where"),
    (r"^for\b|range\(", "a loop over a size: one operation over the whole tensor, or a layer such as nn.LSTM"),
    (r"nonzero|unique|masked_select|\w\[\w+\]", "as many numbers as a tensor says: keep all, and a mask beside them"),
)
TORCH = Path(torch.__file__).parent
LOUD = ("torch.onnx", "torch.export", "torch.fx", "torch._export", "torch._subclasses", "torch._inductor")
SIZES = "torch.fx.experimental.symbolic_shapes"  # the module of torch that logs where a size was fixed


def trace(
    model: nn.Module,
    example: Sequence[Any],
    sizes: Dim = Dim.AUTO,
    axes: Sequence[Sequence[int]] | None = None,
) -> ExportedProgram:
    """Return the graph that the model computes on such inputs when it predicts. Weights are shared with the model.

    example: tensors, or lists of them.
    sizes: Dim.AUTO makes every size variable if possible, Dim.DYNAMIC refuses the model if one is not. A size of 1 in
    the example stays 1. axes: the variable ones of each input; None means all. Raises UserError that names the line
    that cannot be traced, and what to write instead.
    """
    varying = tree_map(lambda x: dict.fromkeys(range(x.ndim), sizes), tuple(example))
    if axes is not None:
        varying = tuple(dict.fromkeys(of_one, sizes) for of_one in axes)
    shapes = _by_input(model, varying)
    with predicting(model), torch.no_grad(), silence_torch(), _unchecked_shapes(), _fixed_sizes() as fixed:
        try:
            return torch.export.export(with_one_lstms(model), tuple(example), dynamic_shapes=shapes, strict=False)
        except Exception as error:
            raise _refusal(model, error, fixed) from None


@contextlib.contextmanager
def predicting(model: nn.Module) -> Iterator[None]:
    """Set the model to evaluation mode, and restore the mode of each module afterwards."""
    held = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for part, training in held:
            part.training = training


def _by_input(model: nn.Module, shapes: tuple) -> tuple:
    """Return the sizes as torch expects them: those of `forward(*inputs)` in a nested tuple."""
    first = next(iter(inspect.signature(model.forward).parameters.values()), None)
    return (shapes,) if first is not None and first.kind is first.VAR_POSITIONAL else shapes


@contextlib.contextmanager
def silence_torch() -> Iterator[None]:
    """Suppress warnings and output of torch about its internals."""
    loggers = [logging.getLogger(name) for name in LOUD]
    levels = [logger.level for logger in loggers]
    said = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextlib.contextmanager
def _unchecked_shapes() -> Iterator[None]:
    """Disable runtime checks of annotated shapes, if they are on: they cannot be traced."""
    held = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", held)


class _Notes(logging.Handler):
    """Collects the lines of the user's code that fixed a size, from the log of torch."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.places: list[tuple[str, int]] = []

    def emit(self, record: logging.LogRecord) -> None:
        found = re.search(r"\[guard added\] \((\S+\.py):(\d+) in ", record.getMessage())
        if found and (file := _whole(found[1])):
            self.places.append((file, int(found[2])))


def _whole(end: str) -> str | None:
    """Return the path of a module given the end of it; None for modules of torch."""
    files = (getattr(module, "__file__", None) or "" for module in list(sys.modules.values()))
    return next((file for file in files if file.endswith(end) and not _of_torch(file)), None)


@contextlib.contextmanager
def _fixed_sizes() -> Iterator[list[tuple[str, int]]]:
    logger, notes = logging.getLogger(SIZES), _Notes()
    level, propagate = logger.level, logger.propagate
    handlers, logger.handlers = logger.handlers, [notes]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield notes.places
    finally:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def _refusal(model: nn.Module, error: BaseException, fixed: list[tuple[str, int]]) -> UserError:
    name = type(model).__name__
    place = _place_of(error) or (fixed[-1] if fixed else None)
    if place is None:
        said = " ".join(str(error).split())
        return UserError(f"{name} cannot be traced: {type(error).__name__}: {said[:200]}")
    file, line = place
    source = linecache.getline(file, line).strip()
    remedy = next((way for pattern, way in REMEDIES if re.search(pattern, source)), _first_sentence(error))
    return UserError(f"{name} cannot be traced: {Path(file).name}:{line}: `{source}`: {remedy}")


def _place_of(error: BaseException | None) -> tuple[str, int] | None:
    """Return the innermost line of the user's code, or of Lingon's models, that led to the error."""
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [f for f in frames if not _of_torch(f.filename) and f.filename != __file__]
        places = [(f.filename, f.lineno) for f in ours if f.lineno is not None]
        if places:
            return places[-1]
        error = error.__cause__ or error.__context__
    return None


def _of_torch(file: str) -> bool:
    skipped = ("jaxtyping", "beartype", "contextlib.py", "one_lstm.py")
    return file.startswith("<") or TORCH in Path(file).parents or any(part in file for part in skipped)


def _first_sentence(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said.split('. ')[0][:160]}"
