"""An ONNX file with weights of 8 bits: a quarter of the size; how often it agrees with the exact one is counted."""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Bool, Float, Int, Tensor
from lingon.export.onnx import needed

Inputs = tuple[Int[Tensor, "B T"], Bool[Tensor, "B T"] | Float[Tensor, "B T"]]  # as `lingon.export.graph.inputs_of`
Logits = Callable[[Int[Tensor, "B T"], Tensor], Float[Tensor, "B C"]]
LEAST = 0.99  # share of real texts for which the likeliest label must stay
OPERATORS = ("MatMul", "Gather", "LSTM")  # of convolutions, 8 bits on a CPU are slower than 32
TIMED = 50  # texts, one by one


def quantize(source: Path, target: Path) -> None:
    """Write the model in `source` with its tables and matrices in 8 bits; what is computed between is measured anew
    for every text ("dynamic" quantisation).

    Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
    Inference", section 2.1, as onnxruntime has it.
    """
    needed("onnxruntime")
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root, level = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.ERROR)  # it advises on steps that have been done
    try:
        quantize_dynamic(source, target, op_types_to_quantize=list(OPERATORS), weight_type=QuantType.QInt8)
    finally:
        root.setLevel(level)


@torch.inference_mode()
def label_agreement(exact: Logits, small: Logits, texts: Sequence[Inputs]) -> float:
    """Return the share of texts whose likeliest label is the same. Raises UserError when it is under LEAST."""
    same = total = 0
    for ids, mask in texts:
        same += int((exact(ids, mask).argmax(-1) == small(ids, mask).argmax(-1)).sum())
        total += len(ids)
    if same < LEAST * total:
        raise UserError(
            f"not exported: with 8 bits the label stays for {same / total:.1%} of {total:,} real texts, "
            f"at least {LEAST:.0%} must; export without --int8"
        )
    return same / total


def times_as_fast(exact: Logits, small: Logits, texts: Sequence[Inputs]) -> float:
    """Return how many times as fast the small model is, one text at a time, in turns: the median of the ratios."""
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
