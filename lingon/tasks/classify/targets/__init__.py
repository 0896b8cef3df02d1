"""What a classifier predicts of a text: a file for each kind, and the table of them."""

from lingon.data.problem_types import ProblemType
from lingon.tasks.classify.targets.multi_label import MultiLabel
from lingon.tasks.classify.targets.ordinal import Ordinal
from lingon.tasks.classify.targets.regression import Regression
from lingon.tasks.classify.targets.single_label import SingleLabel
from lingon.tasks.classify.targets.target import Targets

__all__ = ["TARGETS", "MultiLabel", "Ordinal", "Regression", "SingleLabel", "Targets"]

TARGETS: dict[ProblemType, type[Targets]] = {
    "single-label": SingleLabel,
    "multi-label": MultiLabel,
    "regression": Regression,
    "ordinal": Ordinal,
}
