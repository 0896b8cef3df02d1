"""The metrics of each kind of labels that a training may be selected by; the first is the main one."""

from lingon.data.problem_types import ProblemType

METRICS: dict[ProblemType, tuple[str, ...]] = {
    "single-label": ("accuracy", "macro_f1", "auc", "loss", "calibration_error"),
    "multi-label": ("micro_f1", "macro_f1", "samples_f1", "subset_accuracy", "auc", "loss"),
    "regression": ("rmse", "mae", "pearson", "spearman", "r2", "loss"),
    "ordinal": ("quadratic_kappa", "mae", "accuracy", "macro_f1", "loss"),
}
ALL_METRICS = tuple(dict.fromkeys(name for names in METRICS.values() for name in names))  # better: metric_table.py
