"""The curves of runs: a chart for each quantity that they logged."""

from typing import Any

from lingon.pages.charts import EVERYWHERE, line_chart

FRACTIONS = ("valid_accuracy", "valid_uas", "valid_las", "valid_map", "valid_map50", "valid_miou")  # between 0 and 1
TITLES = {"lr": "learning rate"}
CURVES = (
    "loss",
    "valid_loss",
    "valid_accuracy",
    "valid_bleu",
    "valid_spearman",
    "valid_mrr",
    "valid_uas",
    "valid_las",
    "valid_map",
    "valid_map50",
    "valid_miou",
    "discriminator_loss",
    "valid_frechet_distance",
    "lr",
)  # of what a run logs, in this order


def curves(runs: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return one chart per quantity that the runs recorded, with a line for each run that has it."""
    names = [n for n in CURVES if any(n in row for rows in runs.values() for row in rows)]
    charts = []
    for name in names:
        lines = {
            run: [(row["epoch"], row[name]) for row in rows if isinstance(row.get(name), (int, float))]
            for run, rows in runs.items()
        }
        if name == "lr" and not any(rate for points in lines.values() for _, rate in points):
            continue  # of a solver that has none
        limits = (0.0, 1.0) if name in FRACTIONS else EVERYWHERE
        title = TITLES.get(name, name.replace("_", " "))
        charts.append(line_chart(lines, title, "epochs", title, limits))
    return charts
