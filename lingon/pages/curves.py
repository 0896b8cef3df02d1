"""Charts of runs, one for each logged quantity."""

from typing import Any

from lingon.pages.charts import EVERYWHERE, line_chart

CURVES = {  # what a run logs, in this order, and the title of its chart
    "loss": "training loss",
    "valid_loss": "validation loss",
    "valid_accuracy": "validation accuracy",
    "valid_micro_f1": "validation micro F1",
    "valid_f1": "validation F1",
    "valid_rmse": "validation RMSE",
    "valid_quadratic_kappa": "validation quadratic kappa",
    "valid_bleu": "validation BLEU",
    "valid_spearman": "validation Spearman's correlation",
    "valid_mrr": "validation MRR",
    "valid_uas": "validation UAS",
    "valid_las": "validation LAS",
    "valid_map": "validation mAP",
    "valid_map50": "validation mAP@.5",
    "valid_miou": "validation mIoU",
    "valid_reward_accuracy": "validation reward accuracy",
    "discriminator_loss": "loss of the discriminator",
    "valid_frechet_distance": "validation Fréchet distance",
    "lr": "learning rate",
}
OTHER_RANGES = dict.fromkeys(("valid_loss", "valid_rmse", "valid_bleu", "valid_frechet_distance"), EVERYWHERE) | {
    "valid_spearman": (-1.0, 1.0),
    "valid_quadratic_kappa": (-1.0, 1.0),
}  # of validation scores that go beyond 0 to 1


def curves(runs: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return one chart per quantity that the runs recorded, with a line for each run that has it."""
    names = [n for n in CURVES if any(n in row for rows in runs.values() for row in rows)]
    charts = []
    for name in names:
        lines = {
            run: [(row["epoch"], row[name]) for row in rows if isinstance(row.get(name), (int, float))]
            for run, rows in runs.items()
        }
        if name == "lr":  # a solver has none
            lines = {run: points for run, points in lines.items() if any(rate for _, rate in points)}
            if not lines:
                continue
        limits = OTHER_RANGES.get(name, (0.0, 1.0) if name.startswith("valid_") else EVERYWHERE)
        charts.append(line_chart(lines, CURVES[name], "epochs", "", limits))
    return charts
