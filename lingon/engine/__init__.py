"""Training: the loop and its parts (optimizers, schedules, evaluation, checkpoints), independent of any task."""

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
