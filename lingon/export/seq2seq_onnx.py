"""A translator as ONNX: a graph that reads a source, one that says a token more, and all that a program must know."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from lingon.core.errors import UserError
from lingon.export.one_gru import with_one_grus
from lingon.export.onnx import Sizes, needed, write_named_onnx
from lingon.export.parity import TOLERANCE
from lingon.export.seq2seq_graph import EncoderGraph, decoder_graph, memory_of, target_of
from lingon.export.trace import trace
from lingon.layers.recurrent_state import RecurrentState
from lingon.tasks.task import SequenceExportable

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"
STEPS, LENGTHS, BATCHES = 4, (1, 2, 13), (1, 3)  # of the comparison: tokens said, tokens of sources, rows
Runs = Callable[[dict[str, Any]], list[Any]]


def write_seq2seq_onnx(translator: SequenceExportable, folder: Path) -> dict[str, list[str]]:
    """Write both graphs to a folder; return the names of the sources' tensors and of the target's.

    Raises UserError for a model that cannot be traced.
    """
    model = translator.model.eval()
    ids, mask = _sources(model, 2, 5)
    with torch.no_grad():
        state = model.new_state(model.encode(ids, mask))
        step = decoder_graph(model, state)
        memory, target = ([x.clone() for x in tensors] for tensors in (memory_of(state), target_of(state)))
    recurrent = isinstance(state.own, RecurrentState)
    if not recurrent:  # a trace takes no column, or one, for a number that never changes
        target = [x.new_zeros(*x.shape[:2], 3, x.shape[3]) for x in target]
    names = {kind: [f"{kind}_{i}" for i in range(len(some))] for kind, some in (("memory", memory), ("target", target))}
    of_each = {4: ("batch", "heads", "source", "width"), 2: ("batch", "source")}  # the latter are ids to copy
    ends = {name: of_each[x.ndim] for name, x in zip(names["memory"], memory, strict=True)}
    before, after = (
        {
            prefix + name: ("batch", "width") if recurrent else ("batch", "heads", size, "width")
            for name in names["target"]
        }
        for prefix, size in (("", "said"), ("new_", "said and read"))
    )
    of_source: Sizes = {"ids": ("batch", "source"), "mask": ("batch", "source")}
    encoder = _traced(EncoderGraph(with_one_grus(model)), (ids, mask))
    write_named_onnx(encoder, folder / ENCODER, of_source, {**ends, **before})
    example = torch.full((2, 1), model.start_id), mask, memory, target
    decoder = _traced(step, example)
    reads = {"ids": ("batch", "one"), "mask": ("batch", "source"), **ends, **before}
    write_named_onnx(decoder, folder / DECODER, reads, {"logits": ("batch", "vocabulary"), **after})
    return names


def _traced(graph: nn.Module, example: Sequence[Any]) -> ExportedProgram:
    found = trace(graph, example, Dim.AUTO)
    found.example_inputs = None  # else the writer runs checks of sizes, which stumble over inputs that are not read
    return found


def run_seq2seq_onnx(folder: Path, names: dict[str, list[str]]) -> tuple[Runs, Runs]:
    """Return the two graphs as functions of tensors by name."""
    runtime = needed("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # not that tensors of no column have another size than was noted
    sessions = (runtime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
                for name in (ENCODER, DECODER))  # fmt: skip
    encoder, decoder = (lambda given, session=session: session.run(None, given) for session in sessions)
    return encoder, decoder


@torch.inference_mode()
def seq2seq_difference(translator: SequenceExportable, folder: Path, names: dict[str, list[str]]) -> float:
    """Return the largest |difference| of logits, of random sources and targets. Raises UserError when it is too large.

    As a share of the largest logit, where that is over 1.
    """
    model, largest = translator.model.eval(), 0.0
    encoder, decoder = run_seq2seq_onnx(folder, names)
    draw = torch.Generator().manual_seed(0)
    for length in dict.fromkeys(min(length, model.source_length) for length in LENGTHS):
        for rows in BATCHES:
            ids, mask = _sources(model, rows, length)
            given = {"mask": mask.numpy()}
            found = encoder({"ids": ids.numpy(), **given})
            given |= dict(zip(names["memory"] + names["target"], found, strict=True))
            state = model.new_state(model.encode(ids, mask))
            for _ in range(min(STEPS, model.context_length)):
                said = torch.randint(model.embedding.num_embeddings, (rows, 1), generator=draw)
                logits, *after = decoder({"ids": said.numpy(), **given})
                given |= dict(zip(names["target"], after, strict=True))
                hidden, state = model.hidden(said, state)
                expected = model.head(hidden[:, -1])
                apart = (torch.from_numpy(logits) - expected).abs().max() / expected.abs().max().clamp(min=1)
                largest = max(largest, apart.item())
                if not apart < TOLERANCE:  # NaN is refused too
                    raise UserError(
                        f"not exported: of {rows} sources of {length} tokens the logits differ from the model's by "
                        f"{apart.item():.1e}, allowed is {TOLERANCE:.0e}"
                    )
    return largest


def _sources(model: Any, rows: int, length: int) -> tuple[Tensor, Tensor]:
    """Random sources, all but the first shorter than the length."""
    draw = torch.Generator().manual_seed(length)
    ids = torch.randint(model.source_embedding.num_embeddings, (rows, length), generator=draw)
    lengths = torch.tensor([length, *([max(1, length // 2)] * (rows - 1))])
    mask = torch.arange(length) < lengths[:, None]
    return ids.masked_fill(~mask, model.pad_id), mask
