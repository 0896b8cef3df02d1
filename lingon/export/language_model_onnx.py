"""Exports a causal model as an ONNX graph with a cache, in a folder that Python and Node.js run without Lingon."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.export import Dim

from lingon import __version__
from lingon.core.errors import UserError
from lingon.core.files import atomic_folder, atomic_write, write_json
from lingon.core.shapes import Float, Int, Tensor
from lingon.export.cached_step import BATCH, PAST, TOTAL, CachedStep, RecurrentStep, StateTensor, step_of
from lingon.export.exported import Exported, export_folder
from lingon.export.language_model_card import text_model_card
from lingon.export.onnx import needed, write_named_onnx
from lingon.export.parity import TOLERANCE
from lingon.export.trace import trace
from lingon.models.registry import name_of
from lingon.tasks.exportable import TextModel

FORMAT, FILE = 2, "model.onnx"
TOKENS, VOCAB = "tokens", "vocab"
LENGTH, ROWS = 23, 3  # of the random texts that are compared

Step = Callable[[Tensor, list[Tensor]], tuple[Tensor, list[Tensor]]]  # (ids, state) -> (logits, state)


def to_onnx(language: TextModel, source: str | Path, out: str | Path | None, quantize: str | None = None) -> Exported:
    """Write a folder: model.onnx, config.json, tokenizer.json and a README with a program that generates text.

    It appears only once the graph, fed in pieces, has given the same logits as the model on the whole text.
    """
    folder = export_folder(source, "-onnx", out)
    step = step_of(language.model.eval())
    with atomic_folder(folder) as fresh:
        path = fresh / FILE
        _write(step, path)
        difference = _largest_difference(language.model, run_step(path, step.state()), step)
        size = path.stat().st_size
        config = _config(language, step, difference, size)
        write_json(fresh / "config.json", config)
        language.tokenizer.save(fresh / "tokenizer.json")
        with atomic_write(fresh / "README.md") as page:
            page.write(text_model_card(config))
    return Exported(folder, difference, size)


def _write(step: CachedStep | RecurrentStep, path: Path) -> None:
    state = step.state()
    # No variable size is 1, since tracing would treat it as constant.
    ids = torch.zeros(2, step.at_once or 3, dtype=torch.long)
    axes = [[0] if step.at_once else [0, 1], *(one.varying for one in state)]
    program = trace(step, [ids, *(one.zeros(2, past=5) for one in state)], Dim.DYNAMIC, axes)
    inputs = {"ids": (BATCH, TOKENS), **{one.input: _axes(one, PAST) for one in state}}
    write_named_onnx(
        program, path, inputs, {"logits": (BATCH, TOKENS, VOCAB), **{s.output: _axes(s, TOTAL) for s in state}}
    )


def _axes(one: StateTensor, past: str) -> tuple[str, ...]:
    return tuple(past if n == PAST else str(n) for n in one.shape)


def run_step(path: Path, state: Sequence[StateTensor]) -> Step:
    """Return the step in a file, as a function."""
    runtime = needed("onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(ids: Int[Tensor, "B S"], past: list[Tensor]) -> tuple[Float[Tensor, "B S V"], list[Tensor]]:
        named = zip(state, past, strict=True)
        given = {"ids": ids.numpy(), **{one.input: tensor.numpy() for one, tensor in named}}
        logits, *present = session.run(None, given)
        return torch.from_numpy(logits), [torch.from_numpy(tensor) for tensor in present]

    return run


@torch.inference_mode()
def _largest_difference(model: Any, run: Step, step: CachedStep | RecurrentStep) -> float:
    """Return the largest |difference| of logits, on texts that are read in pieces, and on one text."""
    most = getattr(model, "context_length", LENGTH)
    made, largest = torch.Generator().manual_seed(0), 0.0
    for rows in (ROWS, 1):
        ids = torch.randint(model.embedding.num_embeddings, (rows, min(LENGTH, most)), generator=made)
        expected = model(ids)
        past, found = [one.zeros(rows) for one in step.state()], []
        for part in ids.split(1, 1) if step.at_once else ids.tensor_split((4, 5, 11, 12), 1):
            if part.shape[1]:
                logits, past = run(part, past)
                found.append(logits)
        apart = (torch.cat(found, 1) - expected).abs().max().item()
        allowed = TOLERANCE * max(1.0, expected.abs().max().item())
        if not apart < allowed:  # NaN is refused too
            raise UserError(f"not exported: logits differ from the model's by {apart:.1e}, allowed is {allowed:.1e}")
        largest = max(largest, apart)
    return largest


def _config(language: TextModel, step: CachedStep | RecurrentStep, difference: float, size: int) -> dict[str, Any]:
    """Return everything that a program in another language must know to use the folder."""
    return {
        "format": FORMAT,
        "lingon": __version__,
        "task": language.name,
        "to": "onnx",
        "file": FILE,
        "model": name_of(language.model),
        **language.config(),
        "context_length": getattr(language.model, "context_length", None),
        "suppressed_ids": language.suppressed_ids.tolist(),
        "inputs": {"ids": {"type": "int64", "shape": [BATCH, step.at_once or TOKENS]}},
        "outputs": {"logits": {"type": "float32", "shape": [BATCH, step.at_once or TOKENS, VOCAB]}},
        "state": [one.row() for one in step.state()],
        "checked": {"largest_difference": difference, "bytes": size},
    }
