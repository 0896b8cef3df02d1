"""Metrics: pure functions of predictions and true values."""

__all__ = [
    "accuracy",
    "attachment",
    "calibration",
    "confusion",
    "correlation",
    "exact_match",
    "frechet",
    "likelihood",
    "per_class",
    "ranking",
    "resampling",
    "retrieval",
    "rouge",
    "scores",
    "segmentation",
    "spans",
    "translation",
]
