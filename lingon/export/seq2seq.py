"""Exports a translator for other runtimes: ONNX graphs with a program that uses them, or a folder for CTranslate2."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lingon import __version__
from lingon.core.errors import UserError, unknown
from lingon.core.files import atomic_folder, atomic_write, write_json
from lingon.data.tokenizers import Tokenizer
from lingon.export.exported import Exported, export_folder
from lingon.export.seq2seq_card import seq2seq_card
from lingon.export.seq2seq_ctranslate2 import (
    QUANTIZATIONS,
    ctranslate2_difference,
    needed_ctranslate2,
    write_ctranslate2,
)
from lingon.export.seq2seq_onnx import seq2seq_difference, write_seq2seq_onnx
from lingon.export.step_graphs import DECODER, ENCODER
from lingon.models.registry import name_of
from lingon.tasks.exportable import SequenceExportable

FORMAT = 1
TEXT = "a text"


def export(
    translator: SequenceExportable,
    source: str | Path,
    to: str,
    out: str | Path | None,
    int8: bool,
    quantize: str | None,
) -> Exported:
    """Write a translator for another runtime; see `lingon.export.portable.export`."""
    if int8:
        raise UserError("--int8 is for classifiers and encoders; of a translator: --to ctranslate2 --quantize int8")
    folder = export_folder(source, f"-{to}", out)
    translator.model.to("cpu").eval()
    return TARGETS[to](translator, folder, quantize)


def to_onnx(translator: SequenceExportable, folder: Path, quantize: str | None = None) -> Exported:
    """Write two graphs, both tokenizers, config.json and a README with a program that translates greedily."""
    with atomic_folder(folder) as fresh:
        names = write_seq2seq_onnx(translator, fresh)
        difference = seq2seq_difference(translator, fresh, names)
        own = {"format": FORMAT} | {"encoder": ENCODER} | {"decoder": DECODER} | names
        _write_rest(translator, fresh, "config.json", {"to": "onnx", **own}, difference)
        size = sum((fresh / name).stat().st_size for name in (ENCODER, DECODER))
    return Exported(folder, difference, size)


def to_ctranslate2(translator: SequenceExportable, folder: Path, quantize: str | None = None) -> Exported:
    """Write a model of CTranslate2, both tokenizers, translator.json and a README with a program that translates."""
    if quantize is not None and quantize not in QUANTIZATIONS:
        raise unknown("--quantize", quantize, QUANTIZATIONS)
    needed_ctranslate2()
    with atomic_folder(folder) as fresh:
        tokens = write_ctranslate2(translator, fresh, quantize)
        difference = ctranslate2_difference(translator, fresh, tokens, quantize in (None, "float32"))
        _write_rest(translator, fresh, "translator.json", {"to": "ctranslate2", **tokens}, difference)
        size = (fresh / "model.bin").stat().st_size
    return Exported(folder, difference, size, "log-probabilities")


TARGETS: dict[str, Callable[..., Exported]] = {"onnx": to_onnx, "ctranslate2": to_ctranslate2}


def _write_rest(task: SequenceExportable, folder: Path, name: str, config: dict[str, Any], difference: float) -> None:
    """Write config.json, which a program needs besides the graphs, the tokenizers, and the README."""
    model = task.model
    config = {
        "lingon": __version__,
        "task": task.name,
        "model": name_of(model),
        **config,
        "source_tokenizer": "source.json",
        "target_tokenizer": "target.json",
        "start_ids": list(task.prompt()),
        "eos_ids": list(task.eos_ids),
        "forbidden_ids": task.forbidden_ids().tolist(),
        "no_text": sorted(task.no_text),
        "around_source": _around(task.source),
        "source_length": model.source_length,
        "context_length": model.context_length,
        "max_new_tokens": list(task.max_new_tokens),
        "checked": {"largest_difference": difference},
    }
    write_json(folder / name, config)
    task.source.save(folder / config["source_tokenizer"])
    task.target.save(folder / config["target_tokenizer"])
    about = type(task).card(config["model"], task.config())
    with atomic_write(folder / "README.md") as page:
        page.write(seq2seq_card(config, about.title, about.what))


def _around(source: Tokenizer) -> list[list[int]]:
    """Return the ids that a tokenizer puts before and after each text."""
    whole, bare = source.encode(TEXT), source.without_special_tokens().encode(TEXT)
    start = next(i for i in range(len(whole)) if whole[i : i + len(bare)] == bare)
    return [whole[:start], whole[start + len(bare) :]]
