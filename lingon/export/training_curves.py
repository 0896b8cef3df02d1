"""Plots the curves of one or more runs as a page, as a picture, or as TensorBoard events."""

from pathlib import Path
from typing import Any

from lingon.core.errors import UserError, suggest
from lingon.core.optional_packages import install_command
from lingon.engine.log import read_metrics, to_tensorboard
from lingon.pages.curves import CURVES, curves
from lingon.pages.page import keep_other_files, render

SUFFIXES = (".html", ".png", ".svg", ".pdf")


def plot_runs(folders: list[Path], out: Path, tensorboard: Path | None = None, title: str = "") -> list[Path]:
    """Draw the curves of run folders into common charts. Return the files or folders that were written.

    out: .html needs nothing; .png, .svg and .pdf need matplotlib (extra: plots).
    title: of a page; the names of the folders when not given.
    tensorboard: when given, events go to this folder, one run each (extra: tensorboard), and nothing is drawn.
    """
    runs = {str(folder): metrics_of(folder) for folder in folders}
    if tensorboard:
        for folder in folders:
            to_tensorboard(folder, tensorboard / folder.name)
        return [tensorboard / folder.name for folder in folders]
    if out.suffix not in SUFFIXES:
        raise UserError(f"--out {str(out)!r} ends in {out.suffix!r}; expected one of {', '.join(SUFFIXES)}")
    if out.suffix == ".html":
        keep_other_files(out)
        return [render("curves.html", out, {"title": title or ", ".join(runs), "curves": curves(runs)})]
    return [_picture(runs, out)]


def metrics_of(folder: Path) -> list[dict[str, Any]]:
    """Return the logged metrics of a run. Raises UserError if the folder is not that of a run."""
    if not (folder / "metrics.jsonl").is_file():
        beside = [p.parent.name for p in folder.parent.glob("*/metrics.jsonl")]
        near = f"; {suggest(folder.name, beside)}" if beside else ""
        raise UserError(f"{str(folder)!r} is not the folder of a run (no metrics.jsonl){near}")
    return read_metrics(folder)


def _picture(runs: dict[str, list[dict[str, Any]]], out: Path) -> Path:
    try:
        import matplotlib
    except ImportError:
        raise UserError(f"pictures need matplotlib: {install_command('plots')}; or write an .html page") from None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = [n for n in CURVES if any(n in row for rows in runs.values() for row in rows)]
    figure, axes = plt.subplots(1, max(1, len(names)), figsize=(5 * max(1, len(names)), 3.6), squeeze=False)
    for axis, name in zip(axes[0], names, strict=False):
        for run, rows in runs.items():
            points = [(row["epoch"], row[name]) for row in rows if isinstance(row.get(name), (int, float))]
            if points:
                axis.plot(*zip(*points, strict=True), label=run)
        axis.set(title=CURVES[name], xlabel="epochs")
        axis.grid(alpha=0.3)
    axes[0][0].legend(fontsize=8)
    figure.tight_layout()
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=130)
    plt.close(figure)
    return out
