"""Metrics: pure functions of what was predicted and what is true."""

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
