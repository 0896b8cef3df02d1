"""The display name of each metric, whether higher is better, and the format of its value."""

import math
from collections.abc import Mapping

from lingon.core.counted import decimal

HIGHER_IS_BETTER = {
    "loss": False,
    "perplexity": False,
    "bits_per_byte": False,
    "accuracy": True,
    "precision": True,
    "recall": True,
    "f1": True,
    "macro_f1": True,
    "label_accuracy": True,
    "sentence_accuracy": True,
    "auc": True,
    "calibration_error": False,
    "average_precision": True,
    "micro_f1": True,
    "samples_f1": True,
    "subset_accuracy": True,
    "mae": False,
    "rmse": False,
    "r2": True,
    "quadratic_kappa": True,
    "ndcg_at_10": True,
    "uas": True,
    "las": True,
    "clas": True,
    "map": True,
    "map50": True,
    "map75": True,
    "map_small": True,
    "map_medium": True,
    "map_large": True,
    "mrr": True,
    "recall_at_100": True,
    "precision_at_10": True,
    "spearman": True,
    "pearson": True,
    "exact_match": True,
    "preference_accuracy": True,
    "reward_accuracy": True,
    "reward_margin": True,
    "bleu": True,
    "chrf": True,
    "ter": False,
    "rouge1": True,
    "rouge2": True,
    "rougeL": True,
    "style_accuracy": True,
    "harmonic_mean": True,
    "similarity": True,
    "cider_d": True,
    "cider": True,
    "retrieval_cider_d": True,
    "style_distance": False,
    "content_distance": False,
    "miou": True,
    "dice": True,
    "pixel_accuracy": True,
    "frechet_distance": False,
    "real_frechet_distance": False,
}


WRITTEN = {
    "bleu": "BLEU",
    "chrf": "chrF++",
    "ter": "TER",
    "f1": "F1",
    "auc": "AUC",
    "uas": "UAS",
    "las": "LAS",
    "mrr": "MRR",
}
WRITTEN |= {"cider": "CIDEr", "cider_d": "CIDEr-D", "retrieval_cider_d": "CIDEr-D of retrieval"}
WRITTEN |= {"miou": "mIoU", "dice": "Dice", "map": "mAP", "map50": "mAP@.5", "map75": "mAP@.75", "clas": "CLAS"}
WRITTEN |= {f"map_{size}": f"mAP {size}" for size in ("small", "medium", "large")}
WRITTEN |= {"macro_f1": "macro F1", "micro_f1": "micro F1", "samples_f1": "samples F1", "mae": "MAE", "rmse": "RMSE"}


def metric_name(metric: str) -> str:
    """Return the display name of a metric.

    >>> metric_name("chrf"), metric_name("exact_match")
    ('chrF++', 'exact match')
    """
    return WRITTEN.get(metric, metric.replace("_", " "))


def format_metric(value: float | None, digits: str = ".4f") -> str:
    """Return a metric's value as text; NaN means that it is undefined for these examples, such as AUC of one class.

    >>> format_metric(0.5), format_metric(math.nan), format_metric(math.inf)
    ('0.5000', 'undefined', 'inf')
    >>> format_metric(1.5e30)
    '1.5e+30'
    """
    return "undefined" if value is None or math.isnan(value) else decimal(value, digits)


def metric_rows(values: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return metrics as rows for a page: display name and formatted value.

    >>> metric_rows({"exact_match": 0.5})
    [('exact match', '0.5000')]
    """
    return [(metric_name(name), format_metric(value)) for name, value in values.items()]
