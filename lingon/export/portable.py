"""Exports a bundle as one folder for another runtime: without Lingon and pickle, checked before it appears."""

import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.export import Dim

from lingon import __version__
from lingon.checkpoints.bundle import find_bundle
from lingon.checkpoints.huggingface.opener import is_hub_source
from lingon.checkpoints.load import load
from lingon.core.errors import UserError, one_of, unknown
from lingon.core.files import atomic_folder, atomic_write, read_json, write_json
from lingon.core.shapes import Tensor
from lingon.data.batches import collate
from lingon.data.files.lines import FileOptions
from lingon.data.load_data import load_data
from lingon.data.load_pairs import load_pairs
from lingon.data.text_pairs import sides_of
from lingon.export import captioner, detector, image_classifier, language_model, segmenter, seq2seq
from lingon.export import int8 as small
from lingon.export.exported import Exported, export_folder
from lingon.export.graph import graph_of, inputs_of, preprocessing_of
from lingon.export.onnx import run_onnx, write_onnx
from lingon.export.parity import Outputs, largest_difference
from lingon.export.portable_card import folder_card
from lingon.export.program import run_program, write_program
from lingon.export.torch_program import run_torch, write_torch
from lingon.export.trace import trace
from lingon.models.registry import name_of
from lingon.tasks.exportable import Exportable
from lingon.tasks.heads import head_of
from lingon.tasks.registry import row_of
from lingon.tasks.require import require

__all__ = ["Exported", "Runtime", "export"]

FORMAT = 2  # in format 1 the mask of every model was bool
MASK = {"type": "bool", "padding": False, "holds": "true where a token stands, false for padding"}
REAL_TEXTS, AT_ONCE = 1000, 16
COLUMNS = ("text", "label", "text_pair", "problem_type")  # of `load_data`, as run.json has them


class Runtime(NamedTuple):
    """A runtime: the name of its file, and functions to write it from a model and an example, and to run it."""

    file: str
    write: Callable
    run: Callable[[Path], Outputs]


def _traced(write: Callable) -> Callable:
    return lambda graph, example, path, *name: write(trace(graph_of(graph), example, Dim.DYNAMIC), path, *name)


TARGETS = {
    "onnx": Runtime("model.onnx", _traced(write_onnx), run_onnx),
    "program": Runtime("model.json", lambda graph, example, path, name: write_program(graph, path), run_program),
    "torch": Runtime(
        "model.pt2", lambda graph, example, path, name: _traced(write_torch)(graph, example, path), run_torch
    ),
}

# Exporters of tasks that are not a single graph, by the role of their models: `TARGETS` and `export`.
OF_ROLE: dict[str, Any] = {
    "causal": language_model,
    "seq2seq": seq2seq,
    "image-classifier": image_classifier,
    "captioner": captioner,
    "detector": detector,
    "segmenter": segmenter,
}


def export(
    bundle: str | Path,
    to: str,
    out: str | Path | None = None,
    int8: bool = False,
    data: str | None = None,
    head: str | None = None,
    quantize: str | None = None,
) -> Exported:
    """Write a bundle for another runtime; nothing is written if its outputs differ from the model's.

    bundle: a bundle, a run, or a published model: an encoder, such as minilm-l6, or a language model.
    to: onnx, program or torch; for a language model onnx or gguf; for a translator onnx or ctranslate2. out: the
    folder, or a file for gguf; by default the bundle's name with a suffix such as `-onnx`; an older export there is
    replaced, anything else is refused. int8: 8-bit weights; data: real texts to check them on, a corpus or a file; by
    default the data that the model was trained with.
    head: of a bundle with several tasks. quantize: type of the stored weights: for gguf f32, f16 or q8_0; for
    ctranslate2 for example float16 or int8.
    Raises UserError with the problem, or with the difference of the outputs.
    """
    check_target(to, int8, quantize)
    task = head_of(load(bundle), head, bundle)
    require(task, "export", bundle)
    other = OF_ROLE.get(row_of(task.name).role)
    targets: Collection[str] = TARGETS if other is None else other.TARGETS
    if to not in targets:
        noun = row_of(task.name).noun
        raise UserError(f"{str(bundle)!r} is of the kind {noun}, which is exported to {one_of(targets)}, not to {to}")
    if other is not None:
        return other.export(task, bundle, to, out, int8, quantize)
    folder = export_folder(bundle, f"-{to}" + ("-int8" if int8 else ""), out)
    assert isinstance(task, Exportable), f"the row of {task.name} has export among its commands"
    with atomic_folder(folder) as fresh:
        path = fresh / TARGETS[to].file
        graph = task.graph().eval()
        TARGETS[to].write(graph, _example(task, graph), path, task.output_name)
        run = TARGETS[to].run(path)
        difference = largest_difference(graph, _as_ids(graph, run), *_limits(task))
        found = Exported(folder, difference, sum(p.stat().st_size for p in fresh.iterdir()), task.output_name)
        if int8:
            found = _smaller(found, task, run, path, _real_texts(task, bundle, data))
        config = portable_config(task, to, name_of(task.model), found)
        write_json(fresh / "config.json", config)
        task.tokenizer.save(fresh / "tokenizer.json")
        with atomic_write(fresh / "README.md") as page:
            page.write(folder_card(config, type(task).card(config["model"], config), task))
    return found


def check_target(to: str, int8: bool = False, quantize: str | None = None) -> None:
    """Raise UserError for an unknown runtime, and for a type of weights that it does not support."""
    known = dict.fromkeys([*TARGETS, *(target for other in OF_ROLE.values() for target in other.TARGETS)])
    if to not in known:
        raise unknown("target", to, known)
    if int8 and to != "onnx":
        types = {"gguf": "q8_0", "ctranslate2": "int8"}
        instead = f"for 8 bits: --quantize {types[to]}" if to in types else f"{to} is exported with 32 bits"
        raise UserError(f"--int8 is for --to onnx; {instead}")
    if quantize and to not in ("gguf", "ctranslate2"):
        raise UserError(f"--quantize is for --to gguf and ctranslate2, not {to}")


def portable_config(task: Exportable, to: str, model: str, found: Exported) -> dict[str, Any]:
    """Return everything that a program in another language must know to use the folder."""
    before = preprocessing_of(task.graph())
    return {
        "format": FORMAT,
        "lingon": __version__,
        "task": task.name,
        "to": to,
        "file": TARGETS[to].file,
        "model": model,
        **task.config(),
        "inputs": {
            "ids": {"type": "int64", "shape": ["batch", "tokens"], "padding": 0 if before else task.tokenizer.pad_id},
            "mask": {"shape": ["batch", "tokens"], **(before.mask if before else MASK)},
        },
        "outputs": {task.output_name: {"type": "float32", "shape": list(task.output_shape)}},
        "rows": before and before.rule(task.graph(), list(task.tokenizer.vocab)),
        "checked": {"largest_difference": found.difference, "bytes": found.size},
        "int8": None if found.agreement is None else {"agreement": found.agreement, "exact_bytes": found.exact_size},
    }


def _limits(task: Exportable) -> tuple[int, int, int | None]:
    """Return the vocabulary size, the padding id, and the maximum tokens of the model; None for no maximum."""
    return len(task.tokenizer.vocab), task.tokenizer.pad_id, getattr(task.model, "context_length", None)


def _example(task: Exportable, graph: nn.Module) -> tuple[Tensor, Tensor]:
    """Return two texts of different lengths; neither size is 1, since tracing would treat it as constant."""
    vocab_size, pad, most = _limits(task)
    longest = min(13, most or 13)
    batch = collate([[1] * longest, [1] * (longest // 2)], pad=pad)
    ids = batch.ids % vocab_size
    return ids, batch.mask.to(inputs_of(graph, ids, batch.mask)[1].dtype)


def _as_ids(model: nn.Module, run: Outputs) -> Outputs:
    """Return the exported model as a function of token ids, including its preprocessing."""
    return lambda ids, mask: run(*inputs_of(model, ids, mask))


def _smaller(
    found: Exported, task: Exportable, exact: Outputs, path: Path, texts: list[tuple[Tensor, Tensor]]
) -> Exported:
    """Replace the exact model by the one with 8 bits if both agree on real texts."""
    whole = path.with_name("exact.onnx")
    path.replace(whole)
    small.quantize(whole, path)
    run = run_onnx(path)
    inputs = [inputs_of(task.graph(), *text) for text in texts]
    agreed = small.checked_agreement(exact, run, inputs, task)
    faster = small.times_as_fast(exact, run, inputs)
    whole.unlink()
    return replace(
        found,
        size=path.stat().st_size,
        agreement=agreed,
        agreement_name=task.agreement_name,
        exact_size=found.size,
        times_as_fast=faster,
    )


def _real_texts(task: Exportable, bundle: str | Path, data: str | None) -> list[tuple[Tensor, Tensor]]:
    """Return held-out texts as batches: of `data`, else of the data in the bundle's run.json."""
    given = _arguments(bundle)
    # A file of pairs cannot be read without its columns, so another file is assumed to have the same ones.
    recorded = not data or given.get("text_pair") is not None
    columns = {name: given.get(name) for name in COLUMNS if given.get(name) is not None} if recorded else {}
    name = data or given.get("data")
    if not isinstance(name, str):
        raise UserError("--int8 is checked on real texts, and run.json names none; give some with --data")
    try:
        options = FileOptions(given.get("encoding") or "utf-8", given.get("quoting") or "auto")
        texts = _texts(task, name, columns, FileOptions() if data else options)[:REAL_TEXTS]
    except UserError as error:
        raise UserError(f"--int8 is checked on real texts ({error}); give some with --data") from None
    rows, pad = sorted(task.token_ids(texts), key=len), task.tokenizer.pad_id
    batches = [collate(rows[at : at + AT_ONCE], pad=pad) for at in range(0, len(rows), AT_ONCE)]
    return [(batch.ids, batch.mask) for batch in batches]


def _arguments(bundle: str | Path) -> dict[str, Any]:
    """Return the training arguments of a bundle; empty for a published encoder."""
    if is_hub_source(bundle):
        return {}
    return read_json(find_bundle(Path(bundle)) / "run.json").get("arguments", {})


def _texts(task: Exportable, name: str, columns: dict[str, Any], options: FileOptions) -> Sequence[Any]:
    """Return texts, or pairs, of a corpus or file, of the kind that the task is evaluated on, or with labels."""
    if row_of(task.name).data == "pairs of texts":
        with contextlib.suppress(UserError):  # then try texts with labels, whose error is reported
            pairs = load_pairs(name, on_bad_row="skip", options=options)
            return list(dict.fromkeys(text for side in sides_of(pairs) for text in side))
    return load_data(name, **columns, on_bad_row="skip", options=options).test.inputs


@torch.inference_mode()
def outputs_of(run: Outputs, task: Exportable, texts: Sequence[Any]) -> Tensor:
    """Return outputs [n, ...] of an exported model, one text at a time, as another language would call it."""
    rows = [collate([ids], pad=task.tokenizer.pad_id) for ids in task.token_ids(texts)]
    run = _as_ids(task.graph(), run)
    return torch.cat([run(batch.ids, batch.mask) for batch in rows])
