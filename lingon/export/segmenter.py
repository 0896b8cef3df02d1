"""A segmenter as a folder that another runtime loads: images in, logits of each pixel out."""

from pathlib import Path

from lingon.core.files import atomic_folder, atomic_write, write_json
from lingon.export.exported import Exported
from lingon.export.image_graph import largest_image_difference
from lingon.export.image_onnx import FILE, Shape, Targets, export_to, image_config, write_image_onnx
from lingon.export.javascript_programs import write_programs
from lingon.export.segmenter_card import segmenter_card
from lingon.tasks.exportable import SegmentExportable


def export(
    task: SegmentExportable, source: str | Path, to: str, out: str | Path | None, int8: bool, quantize: str | None
) -> Exported:
    """Write a segmenter for another runtime; see `lingon.export.portable.export`."""
    return export_to(TARGETS, task, source, to, out, int8)


def to_onnx(task: SegmentExportable, folder: Path) -> Exported:
    """Write the graph images -> logits, config.json, programs for Node.js and a README with one in Python."""
    model, side = task.model.to("cpu").eval(), task.size
    shape: Shape = (3, side, side)
    with atomic_folder(folder) as fresh:
        run = write_image_onnx(model, fresh / FILE, shape, {"logits": ("classes", "height", "width")})
        difference = largest_image_difference(model, run, shape)
        size = (fresh / FILE).stat().st_size
        outputs = {"logits": ("classes", side, side)}
        config = image_config(task, "onnx", shape, outputs, difference, size) | task.rules()
        write_json(fresh / "config.json", config)
        write_programs(fresh, ("segment.mjs", "segmenter.mjs"))
        with atomic_write(fresh / "README.md") as page:
            page.write(segmenter_card(config, type(task).card(config["model"], config)))
    return Exported(folder, difference, size)


TARGETS: Targets = {"onnx": to_onnx}
