"""Two graphs of a model with sources: one reads a source, one says a token more. What both kinds of sources share."""

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
STEPS = 4  # tokens said in a comparison
Runs = Callable[[dict[str, Any]], list[Any]]


class StepTensors(NamedTuple):
    """Tensors of a decoder's state, as a trace takes them. memory: of the source. target: of the tokens so far."""

    memory: list[Tensor]
    target: list[Tensor]
    recurrent: bool

    @classmethod
    def of(cls, memory: Sequence[Tensor], target: Sequence[Tensor], recurrent: bool) -> "StepTensors":
        """Return copies, those of the target with three columns: a trace takes none, or one, for a fixed number."""
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
        """Return the names of the axes of the target's tensors, by their names, before and after a step."""

        def axes(columns: str) -> tuple[str, ...]:
            return ("batch", "width") if self.recurrent else ("batch", "heads", columns, "width")

        names = self.names["target"]
        return {name: axes("said") for name in names}, {f"new_{name}": axes("said and read") for name in names}


def traced(graph: nn.Module, example: Sequence[Any], **options: Any) -> ExportedProgram:
    """Return the trace of a graph, all of whose axes may have any size; see `lingon.export.trace.trace`."""
    found = trace(graph, example, Dim.AUTO, **options)
    found.example_inputs = None  # else the writer runs checks of sizes, which stumble over inputs that are not read
    return found


def open_graphs(folder: Path) -> tuple[Runs, Runs]:
    """Return the two graphs of a folder as functions of tensors by name."""
    runtime = needed("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # not that tensors of no column have another size than was noted
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

    As a share of the largest logit, where that is over 1. memory: what the model encoded. given: tensors by name that
    the decoder reads, those of the target among them, whose names are `target`. sources: in words. Raises UserError
    when it is too large.
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
