"""Exports a captioner for other runtimes: ONNX graphs with a program that uses them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lingon import __version__
from lingon.core.errors import UserError
from lingon.core.files import atomic_folder, atomic_write, write_json
from lingon.export.captioner_card import captioner_card
from lingon.export.captioner_onnx import captioner_difference, write_captioner_onnx
from lingon.export.exported import Exported, export_folder
from lingon.export.javascript_programs import write_programs
from lingon.export.step_graphs import DECODER, ENCODER
from lingon.models.registry import name_of
from lingon.tasks.exportable import CaptionExportable

FORMAT = 1


def export(
    captioner: CaptionExportable,
    source: str | Path,
    to: str,
    out: str | Path | None,
    int8: bool,
    quantize: str | None,
) -> Exported:
    """Write a captioner for another runtime; see `lingon.export.portable.export`."""
    if int8:
        raise UserError("--int8 is for classifiers and encoders; a captioner is exported with 32 bits")
    folder = export_folder(source, f"-{to}", out)
    captioner.model.to("cpu").eval()
    return TARGETS[to](captioner, folder)


def to_onnx(captioner: CaptionExportable, folder: Path) -> Exported:
    """Write two graphs, the tokenizer, config.json, programs for Node.js, and a README with one in Python."""
    model = captioner.model
    with atomic_folder(folder) as fresh:
        names = write_captioner_onnx(model, fresh)
        difference = captioner_difference(model, fresh, names)
        config: dict[str, Any] = {"decoder": DECODER} | {
            "format": FORMAT,
            "lingon": __version__,
            "task": captioner.name,
            "to": "onnx",
            "model": name_of(model),
            **captioner.config(),
            "encoder": ENCODER,
            **names,
            "tokenizer": "tokenizer.json",
            "image": {"size": model.image_size, "fit": "pad", "background": [255, 255, 255], "range": [0, 255]},
            "start_ids": [model.start_id],
            "eos_ids": list(captioner.eos_ids),
            "forbidden_ids": captioner.forbidden_ids().tolist(),
            "no_text": sorted(captioner.no_text),
            "context_length": model.context_length,
            "checked": {"largest_difference": difference},
        }
        write_json(fresh / "config.json", config)
        captioner.tokenizer.save(fresh / config["tokenizer"])
        write_programs(fresh, ("caption.mjs", "captioner.mjs"))
        about = type(captioner).card(config["model"], captioner.config())
        with atomic_write(fresh / "README.md") as page:
            page.write(captioner_card(config, about.title, about.what))
        size = sum((fresh / name).stat().st_size for name in (ENCODER, DECODER))
    return Exported(folder, difference, size)


TARGETS: dict[str, Callable[..., Exported]] = {"onnx": to_onnx}
