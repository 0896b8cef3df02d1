"""Quantizes an ONNX file to 8-bit weights, a quarter of the size, and measures its agreement with the exact one."""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.export.onnx import needed
from lingon.tasks.exportable import Exportable

Inputs = tuple[Int[Tensor, "B T"], Bool[Tensor, "B T"] | Float[Tensor, "B T"]]  # as `lingon.export.graph.inputs_of`
Outputs = Callable[[Int[Tensor, "B T"], Tensor], Float[Tensor, "B C"]]
LEAST = 0.99  # minimum agreement, as defined by the task
OPERATORS = ("MatMul", "Gather", "LSTM")  # not convolutions, which are slower with 8 bits than with 32 on a CPU
TIMED = 50  # texts, one by one


def quantize(source: Path, target: Path) -> None:
    """Write the model in `source` with embeddings and matrices in 8 bits; the range of activations is measured at run
    time for every text ("dynamic" quantisation).

    Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
    Inference", section 2.1, as in onnxruntime, with a scale for each column of a matrix. Weights use 7 of the 8 bits:
    processors without 8-bit dot products add pairs of products in 16 bits, which 8-bit weights could overflow.
    """
    needed("onnxruntime")
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root, level = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.ERROR)  # it recommends steps that have already been done
    try:
        quantize_dynamic(
            source, target, list(OPERATORS), per_channel=True, reduce_range=True, weight_type=QuantType.QInt8
        )
    finally:
        root.setLevel(level)


@torch.inference_mode()
def checked_agreement(exact: Outputs, small: Outputs, texts: Sequence[Inputs], task: Exportable) -> float:
    """Return the agreement of outputs with the exact ones, as defined by the task. Raises UserError if under LEAST."""
    ours, theirs = (torch.cat([run(ids, mask) for ids, mask in texts]) for run in (exact, small))
    found = task.output_agreement(ours, theirs)
    if not found >= LEAST:
        raise UserError(
            f"not exported: with 8 bits, {task.agreement_name} is {found:.4f} ({len(ours):,} texts), "
            f"at least {LEAST} is expected; export without --int8"
        )
    return found


def times_as_fast(exact: Outputs, small: Outputs, texts: Sequence[Inputs]) -> float:
    """Return the speed-up of the small model, one text at a time, measured alternately: the median of the ratios."""
    ratios = []
    for ids, mask in [(ids[:1], mask[:1]) for ids, mask in texts][:TIMED]:
        seconds = []
        for run in (exact, small):
            run(ids, mask)
            begun = time.perf_counter()
            run(ids, mask)
            seconds.append(time.perf_counter() - begun)
        ratios.append(seconds[0] / seconds[1])
    return median(ratios)
