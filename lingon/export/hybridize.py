"""Compiles a model to a program that is called like the model, checked to be equal, and used only if it is faster."""

import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from lingon.core.errors import UserError
from lingon.export.trace import predicting, silence_torch, trace

__all__ = ["Hybrid", "hybridize"]

PAYS = 1.05  # minimum speed-up of the program over the model; less is noise
RTOL, ATOL = 1e-4, 1e-5
TURNS, SECONDS = 15, 1.0  # of measuring: this many rounds, or as many as fit into the time


class Hybrid:
    """Model returned by `hybridize`: called like the original, and computed by the program whenever it is equivalent.

    reason: why the model computes everything itself; None if there is a program. times_as_fast: speed-up of the program
    over the model, on the example; None if not measured. difference: the largest between their outputs there.
    """

    def __init__(
        self,
        model: nn.Module,
        program: Callable | None = None,
        fits: Callable[..., bool] | None = None,
        reason: str | None = None,
        times_as_fast: float | None = None,
        difference: float | None = None,
    ):
        self.model, self._program, self._fits, self.reason = model, program, fits, reason
        self.times_as_fast, self.difference = times_as_fast, difference
        self._versions = _versions(model)

    def __call__(self, *inputs: Tensor) -> Any:
        """Return the output of the program; that of the model in training mode, for sizes and types of input that the
        program was not made for, and if the weights have changed since.
        """
        if self._program is None or self._fits is None or self.model.training or not self._fits(*inputs):
            return self.model(*inputs)
        if _versions(self.model) != self._versions:
            self._program, self.reason = None, "the weights have changed since; call hybridize again"
            _say(self)
            return self.model(*inputs)
        with torch.no_grad():
            return self._program(*inputs)

    def __repr__(self) -> str:
        name = type(self.model).__name__
        if self.reason:
            return f"Hybrid({name}, not compiled: {self.reason})"
        return f"Hybrid({name}, compiled, {self.times_as_fast:.2f} times as fast)"


def hybridize(model: nn.Module, example: Tensor | Sequence[Tensor]) -> Hybrid:
    """Compile a model to a program for prediction: no dropout, no gradients, current weights.

    example: inputs of a typical size; sizes of 2 and more may differ in later calls, unless the model fixes them.
    The outputs of the program are compared with the model's, on the example and on slices of it, and so is its time. If
    it cannot be compiled, differs, or is not faster, the model itself is called, and a warning says why; if it cannot
    be traced, the warning names the line and what to write instead. Raises UserError for an example of anything but
    tensors.

    >>> import torch, lingon
    >>> fast = lingon.hybridize(torch.nn.Linear(3, 5), torch.ones(2, 3))  # doctest: +SKIP
    """
    inputs = _tensors(model, example)
    with predicting(model):
        hybrid = _hybrid(model, inputs)
    if hybrid.reason:
        _say(hybrid)
    return hybrid


def _hybrid(model: nn.Module, inputs: tuple[Tensor, ...]) -> Hybrid:
    try:
        traced = trace(model, inputs)
    except UserError as error:
        return Hybrid(model, reason=str(error))
    if all(x.device.type == "cpu" for x in inputs) and not any(map(shutil.which, ("c++", "g++", "clang++", "cl"))):
        return Hybrid(model, reason="there is no C++ compiler such as g++, which makes the program")
    try:
        program = _compiled(traced)
    except Exception as error:  # the compiler raises many types of errors
        return Hybrid(model, reason=f"it cannot be compiled: {type(error).__name__}: {_first_line(error)}")
    fits = _fits(traced, inputs)
    with torch.no_grad():
        largest = 0.0
        for cut in _cuts(inputs):
            if fits(*cut):
                difference = _difference(model, program, cut)
                if difference is None:
                    sizes = ", ".join(str(list(x.shape)) for x in cut)
                    return Hybrid(model, reason=f"the program gives other numbers than the model for inputs of {sizes}")
                largest = max(largest, difference)
        eager, compiled = _seconds(model, program, inputs)
    gain = median(a / b for a, b in zip(eager, compiled, strict=True))
    if gain < PAYS:
        reason = f"the program takes {median(compiled) * 1e3:.3g} ms and the model {median(eager) * 1e3:.3g} ms: "
        return Hybrid(model, reason=f"{reason}it does not pay", times_as_fast=gain, difference=largest)
    return Hybrid(model, program, fits, None, gain, largest)


def _tensors(model: nn.Module, example: Tensor | Sequence[Tensor]) -> tuple[Tensor, ...]:
    if not isinstance(model, nn.Module):
        raise UserError(f"hybridize takes an nn.Module, not a {type(model).__name__}")
    inputs = (example,) if isinstance(example, Tensor) else tuple(example) if isinstance(example, list | tuple) else ()
    for place, x in enumerate(inputs):
        if not isinstance(x, Tensor):
            raise UserError(f"input {place} of the example is a {type(x).__name__}; expected a tensor")
    if not inputs:
        raise UserError(f"the example is {str(example)[:40]!r}; expected a tensor or a list of them")
    return inputs


def _compiled(traced: ExportedProgram) -> Callable:
    """Return the program as loaded machine code for all sizes, so that no later call waits for a compiler."""
    from torch import _inductor as inductor

    with tempfile.TemporaryDirectory(prefix="lingon-") as folder, silence_torch(), torch.no_grad():
        with inductor.config.patch(freezing=True):  # weights are constants, in the best memory layout for the CPU
            path = inductor.aoti_compile_and_package(traced, package_path=str(Path(folder) / "program.pt2"))
        return inductor.aoti_load_package(path)


def _fits(traced: ExportedProgram, inputs: tuple[Tensor, ...]) -> Callable[..., bool]:
    """Return a test whether inputs have the types and sizes that the program was made for: its guards."""
    guards = getattr(traced.module(), "_guards_fn", None)
    kinds = [(x.dtype, x.device, x.ndim) for x in inputs]

    def fits(*given: Tensor) -> bool:
        if len(given) != len(kinds) or any(not isinstance(x, Tensor) for x in given):
            return False
        if [(x.dtype, x.device, x.ndim) for x in given] != kinds:
            return False
        try:
            if guards is not None:
                guards(*given)
        except AssertionError:
            return False
        return True

    return fits


def _cuts(inputs: tuple[Tensor, ...]) -> Iterator[tuple[Tensor, ...]]:
    """Yield the example, and slices of it: each of its sizes halved, and reduced to 1, consistently in all inputs."""
    yield inputs
    for size in sorted({n for x in inputs for n in x.shape if n > 1}):
        for less in sorted({1, size // 2}):
            cut = tuple(x[tuple(slice(less) if n == size else slice(None) for n in x.shape)] for x in inputs)
            yield tuple(x.contiguous() for x in cut)


def _difference(model: nn.Module, program: Callable, inputs: tuple[Tensor, ...]) -> float | None:
    """Return the largest difference of any value; None if the two are not close, or one of them fails."""
    try:
        expected = _flat(model(*inputs))
    except Exception:  # inputs that the model rejects cannot be compared
        return 0.0
    try:
        found = _flat(program(*inputs))
        torch.testing.assert_close(found, expected, rtol=RTOL, atol=ATOL, equal_nan=True)
    except Exception:
        return None
    apart = [(a - b).abs().nan_to_num().max().item() for a, b in zip(found, expected, strict=True) if _numbers(a)]
    return max(apart, default=0.0)


def _numbers(x: Tensor) -> bool:
    return x.numel() > 0 and x.is_floating_point()


def _flat(out: Any) -> list[Tensor]:
    return [x for x in torch.utils._pytree.tree_leaves(out) if isinstance(x, Tensor)]


def _seconds(model: nn.Module, program: Callable, inputs: tuple[Tensor, ...]) -> tuple[list[float], list[float]]:
    """Return seconds of the model and of the program, measured alternately after a warm-up."""
    taken: tuple[list[float], list[float]] = ([], [])
    begun = time.perf_counter()
    runs: tuple[Callable, Callable] = (model, program)
    for turn in range(TURNS + 1):
        for run, seconds in zip(runs, taken, strict=True):
            start = time.perf_counter()
            run(*inputs)
            if inputs[0].is_cuda:
                torch.cuda.synchronize()
            if turn:
                seconds.append(time.perf_counter() - start)
        if turn > 2 and time.perf_counter() - begun > SECONDS:
            break
    return taken


def _versions(model: nn.Module) -> int:
    """Return a number that increases whenever a weight is modified."""
    return sum(t._version for t in model.parameters()) + sum(t._version for t in model.buffers())


def _say(hybrid: Hybrid) -> None:
    warnings.warn(f"hybridize: {type(hybrid.model).__name__} runs as it is: {hybrid.reason}", stacklevel=3)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else ""
