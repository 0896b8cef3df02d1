"""Writes a traced model as an ONNX file, and runs the file as a function."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from lingon.core.errors import UserError
from lingon.core.optional_packages import install_command
from lingon.export.trace import silence_torch

OPSET = 18  # of 2022: old enough for every runtime in use, new enough for all operators of the models
SIZES = ("batch", "tokens")
Sizes = Mapping[str, Sequence[str]]  # the names of the sizes of tensors, by the names of these
LARGEST = 2_000_000_000  # bytes of one ONNX file; its format ends at 2 GiB


def write_onnx(program: ExportedProgram, path: Path, output: str = "logits") -> None:
    """Write the graph of a model (ids [B, T], mask [B, T]) -> output [B, C], with any B and T.

    output: its name in the file. Raises UserError as `write_named_onnx` does.
    """
    write_named_onnx(program, path, {"ids": SIZES, "mask": SIZES}, {output: SIZES})


def write_named_onnx(program: ExportedProgram, path: Path, inputs: Sizes, outputs: Sizes) -> None:
    """Write a traced graph as a file whose inputs and outputs have these names, in their order.

    Variable sizes get the given names. Raises UserError if the packages for writing are missing, the model is too
    large, or an operator is unknown.
    """
    onnx = needed("onnx")
    needed("onnxscript")
    if sum(t.nbytes for t in program.state_dict.values()) > LARGEST:
        raise UserError(
            f"the weights are over {LARGEST / 1e9:.0f} GB, more than one ONNX file holds; export --to torch"
        )
    ours: dict[Callable, Callable] = {
        torch.ops.aten.mkldnn_rnn_layer.default: _lstm,
        torch.ops.lingon.gru.default: _gru,
        torch.ops.aten.einsum.default: _einsum,
    }
    _copy_before_views(program)
    try:
        with silence_torch():
            made = torch.onnx.export(
                program,
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=list(inputs),
                output_names=list(outputs),
                custom_translation_table=ours,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise UserError(f"not exported: {' '.join(str(error).split())[:200]}") from None
    assert made is not None, "with dynamo it gives the program back"
    onnx.save(_clean(made.model_proto, {**inputs, **outputs}), path)


def _copy_before_views(program: ExportedProgram) -> None:
    """Insert a copy before every view of a transposed tensor; it has no effect in ONNX.

    The exporter's decomposition of an operator may have another memory layout, as for attention with the bias of T5;
    then a view of the transposed result fails.
    """
    viewed = (torch.ops.aten.view.default, torch.ops.aten.reshape.default)
    transposed = (torch.ops.aten.transpose.int, torch.ops.aten.permute.default)
    for node in list(program.graph.nodes):
        if node.target in viewed and node.args[0].target in transposed:
            with program.graph.inserting_before(node):
                copy = program.graph.call_function(
                    torch.ops.aten.clone.default, (node.args[0],), {"memory_format": torch.contiguous_format}
                )
            copy.meta["val"] = node.args[0].meta["val"].clone(memory_format=torch.contiguous_format)
            node.replace_input_with(node.args[0], copy)
    program.graph_module.recompile()


def run_onnx(path: Path, threads: int = 0) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the function in a file: (ids, mask) -> output. threads: 0 means one for every core."""
    runtime = needed("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda ids, mask: torch.from_numpy(session.run(None, {"ids": ids.numpy(), "mask": mask.numpy()})[0])


def needed(package: str):
    """Return a package of the extra `export`. Raises UserError with the command that installs it."""
    from importlib import import_module

    try:
        return import_module(package)
    except ImportError:
        raise UserError(f"the package {package!r} is not installed: {install_command('export')}") from None


def _lstm(x, w_input, w_state, b_input, b_state, last, cell, *settings):
    """Translate one direction of one layer to ONNX's LSTM, whose gates are in another order."""
    from onnxscript.function_libs.torch_lib.ops.core import aten_lstm

    weights = [w_input, w_state, b_input, b_state]
    out, last, cell = aten_lstm(x, [last, cell], weights, True, 1, 0.0, False, False, False)
    return out, last, cell, last  # the fourth is a workspace that is never read


def _gru(x, w_input, w_state, b_input, b_state, last):
    """Translate one direction of one layer to ONNX's GRU, whose gates are in another order."""
    from onnxscript.function_libs.torch_lib.ops.core import aten_gru

    return aten_gru(x, last, [w_input, w_state, b_input, b_state], True, 1, 0.0, False, False, False)


def _einsum(equation, tensors, path=None):
    """Translate the weighted sum over time to a matrix product, which is faster; other equations to Einsum."""
    from onnxscript import opset18 as op

    if equation == "btd,bt->bd":
        x, weights = tensors
        return op.Squeeze(op.MatMul(op.Unsqueeze(weights, [1]), x), [1])
    return op.Einsum(*tensors, equation=equation)


def _clean(model, sizes: Sizes):
    """Name the variable sizes, and remove metadata on the source files of operators on this machine."""
    logging.getLogger("onnx").setLevel(logging.ERROR)
    graph = model.graph
    for value in [*graph.input, *graph.output]:
        for size, name in zip(value.type.tensor_type.shape.dim, sizes[value.name], strict=True):
            if size.dim_param:
                size.dim_param = name
    for part in [*graph.node, *graph.input, *graph.output, *graph.initializer, *graph.value_info]:
        del part.metadata_props[:]
    for node in graph.node:
        node.doc_string = ""
    del graph.value_info[:]  # intermediate shapes, with names of sizes that no longer exist
    del graph.metadata_props[:], model.metadata_props[:]
    model.producer_name = "lingon"
    return model
