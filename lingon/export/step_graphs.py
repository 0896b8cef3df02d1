"""Common parts of the export of models with a source, text or image, as two graphs: encoder, and one decoder step."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from lingon.core.errors import UserError
from lingon.export.onnx import Sizes, needed
from lingon.export.parity import TOLERANCE
from lingon.export.trace import trace

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"
STEPS = 4  # tokens generated in a comparison
Runs = Callable[[dict[str, Any]], list[Any]]


class StepTensors(NamedTuple):
    """Tensors of a decoder's state, for tracing. memory: of the source. target: of the tokens so far."""

    memory: list[Tensor]
    target: list[Tensor]
    recurrent: bool

    @classmethod
    def of(cls, memory: Sequence[Tensor], target: Sequence[Tensor], recurrent: bool) -> "StepTensors":
        """Return copies, those of the target with three columns: tracing would treat 0 or 1 as constant."""
        memory, target = ([x.clone() for x in some] for some in (memory, target))
        if not recurrent:
            target = [x.new_zeros(*x.shape[:2], 3, x.shape[3]) for x in target]
        return cls(memory, target, recurrent)

    @property
    def names(self) -> dict[str, list[str]]:
        """Return the names of the tensors of the source, "memory", and of the target."""
        kinds = {"memory": self.memory, "target": self.target}
        return {kind: [f"{kind}_{i}" for i in range(len(some))] for kind, some in kinds.items()}

    def target_sizes(self) -> tuple[Sizes, Sizes]:
        """Return the axis names of the tensors of the target, by tensor name, before and after a step."""

        def axes(columns: str) -> tuple[str, ...]:
            return ("batch", "width") if self.recurrent else ("batch", "heads", columns, "width")

        names = self.names["target"]
        return {name: axes("said") for name in names}, {f"new_{name}": axes("said and read") for name in names}


def traced(graph: nn.Module, example: Sequence[Any], **options: Any) -> ExportedProgram:
    """Return the trace of a graph with variable sizes of all axes; see `lingon.export.trace.trace`."""
    found = trace(graph, example, Dim.AUTO, **options)
    found.example_inputs = None  # else the exporter checks sizes, which fails for unused inputs
    return found


def open_graphs(folder: Path) -> tuple[Runs, Runs]:
    """Return the two graphs of a folder as functions of tensors by name."""
    runtime = needed("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # no warning that the size of empty tensors differs from the declared one
    sessions = (
        runtime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
        for name in (ENCODER, DECODER)
    )
    encoder, decoder = (lambda given, session=session: session.run(None, given) for session in sessions)
    return encoder, decoder


def steps_difference(
    model: Any,
    memory: Any,
    decoder: Runs,
    given: Mapping[str, Any],
    target: Sequence[str],
    rows: int,
    draw: torch.Generator,
    sources: str,
) -> float:
    """Return the largest |difference| of logits to a model's, over a few random tokens.

    It is relative to the largest logit if that is over 1. memory: the encoded sources. given: input tensors of the
    decoder by name, including those of the target, whose names are `target`. sources: in words, for messages. Raises
    UserError if it is too large.
    """
    state, given, largest = model.new_state(memory), dict(given), 0.0
    for _ in range(min(STEPS, model.context_length)):
        said = torch.randint(model.embedding.num_embeddings, (rows, 1), generator=draw)
        logits, *after = decoder({"ids": said.numpy(), **given})
        given |= dict(zip(target, after, strict=True))
        hidden, state = model.hidden(said, state)
        expected = model.head(hidden[:, -1])
        apart = (torch.from_numpy(logits) - expected).abs().max() / expected.abs().max().clamp(min=1)
        largest = max(largest, apart.item())
        if not apart < TOLERANCE:  # NaN is refused too
            raise UserError(
                f"not exported: of {rows} {sources} the logits differ from the model's by {apart.item():.1e}, "
                f"allowed is {TOLERANCE:.0e}"
            )
    return largest
