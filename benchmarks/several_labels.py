"""Several labels for a text: the default classifier against logistic regression of each label on tf-idf."""

from collections.abc import Iterator
from typing import Any

import torch

import lingon
from benchmarks.context import Context
from benchmarks.problem_types import files_of, row_of, trained
from benchmarks.result import Result
from benchmarks.worker import Worker
from lingon.metrics.several_labels import micro_f1


def compare(context: Context) -> Iterator[Result]:
    """Compare micro F1 on the test part, which is joined of test texts alone."""
    yield _result(context)


def _result(context: Context) -> Result:
    splits = lingon.load_data("reuters-joined")
    files, names = files_of(context, splits), sorted(splits.all().label_counts())
    with Worker("target_peers", "scikit-learn") as worker:
        theirs = worker.ask("several", files)
    true = _matrix(splits.test.labels, names)
    ours = [one.labels for one in trained(context, files, "multi-label").predict(splits.test.texts)]
    scores = {who: micro_f1(_matrix(found, names), true) for who, found in (("ours", ours), ("peer", theirs["labels"]))}
    what = f"reuters-joined (constructed), {len(names)} labels: micro F1"
    row = row_of(what, scores["ours"], "logistic regression of each label", scores["peer"])
    return Result("several-labels", [row], {"scores": scores}, theirs["versions"])


def _matrix(labels: Any, names: list[str]) -> torch.Tensor:
    return torch.tensor([[name in found for name in names] for found in map(set, labels)])
