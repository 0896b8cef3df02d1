"""Training: the loop, and what stands around it; it knows no task."""

__all__ = [
    "average",
    "distributed",
    "dual_coordinate_descent",
    "evaluation",
    "fit",
    "fsdp",
    "loss",
    "optimizers",
    "param_groups",
    "precision",
    "run",
    "save_interval",
    "schedule",
    "sparse_optimizer",
    "step",
]
