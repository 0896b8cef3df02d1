"""Exports a translator as ONNX: a graph that encodes a source, and one that generates the next token."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lingon.export.one_gru import with_one_grus
from lingon.export.onnx import Sizes, write_named_onnx
from lingon.export.seq2seq_graph import EncoderGraph, decoder_graph, memory_of, target_of
from lingon.export.step_graphs import DECODER, ENCODER, StepTensors, open_graphs, steps_difference, traced
from lingon.layers.recurrent_state import RecurrentState
from lingon.tasks.exportable import SequenceExportable

LENGTHS, BATCHES = (1, 2, 13), (1, 3)  # of the comparison: tokens of sources, rows


def write_seq2seq_onnx(translator: SequenceExportable, folder: Path) -> dict[str, list[str]]:
    """Write both graphs to a folder; return the names of the tensors of sources and of targets.

    Raises UserError for a model that cannot be traced.
    """
    model = translator.model.eval()
    ids, mask = _sources(model, 2, 5)
    with torch.no_grad():
        state = model.new_state(model.encode(ids, mask))
        step = decoder_graph(model, state)
        tensors = StepTensors.of(memory_of(state), target_of(state), isinstance(state.own, RecurrentState))
    of_each = {4: ("batch", "heads", "source", "width"), 2: ("batch", "source")}  # the latter are ids to copy
    ends = {name: of_each[x.ndim] for name, x in zip(tensors.names["memory"], tensors.memory, strict=True)}
    before, after = tensors.target_sizes()
    of_source: Sizes = {"ids": ("batch", "source"), "mask": ("batch", "source")}
    encoder = traced(EncoderGraph(with_one_grus(model)), (ids, mask))
    write_named_onnx(encoder, folder / ENCODER, of_source, {**ends, **before})
    decoder = traced(step, (torch.full((2, 1), model.start_id), mask, tensors.memory, tensors.target))
    reads = {"ids": ("batch", "one"), "mask": ("batch", "source"), **ends, **before}
    write_named_onnx(decoder, folder / DECODER, reads, {"logits": ("batch", "vocabulary"), **after})
    return tensors.names


@torch.inference_mode()
def seq2seq_difference(translator: SequenceExportable, folder: Path, names: dict[str, list[str]]) -> float:
    """Return the largest |difference| of logits, on random sources and targets; see `steps_difference`."""
    model, largest = translator.model.eval(), 0.0
    encoder, decoder = open_graphs(folder)
    draw = torch.Generator().manual_seed(0)
    for length in dict.fromkeys(min(length, model.source_length) for length in LENGTHS):
        for rows in BATCHES:
            ids, mask = _sources(model, rows, length)
            given = {"mask": mask.numpy()}
            found = encoder({"ids": ids.numpy(), **given})
            given |= dict(zip(names["memory"] + names["target"], found, strict=True))
            what, memory = f"sources of {length} tokens", model.encode(ids, mask)
            apart = steps_difference(model, memory, decoder, given, names["target"], rows, draw, what)
            largest = max(largest, apart)
    return largest


def _sources(model: Any, rows: int, length: int) -> tuple[Tensor, Tensor]:
    """Return random sources; all but the first are shorter than `length`."""
    draw = torch.Generator().manual_seed(length)
    ids = torch.randint(model.source_embedding.num_embeddings, (rows, length), generator=draw)
    lengths = torch.tensor([length, *([max(1, length // 2)] * (rows - 1))])
    mask = torch.arange(length) < lengths[:, None]
    return ids.masked_fill(~mask, model.pad_id), mask
