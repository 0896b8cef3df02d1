"""Cross-validation: each fold of the texts is tested by a model of the others; then a model of all texts is trained."""

import shutil
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lingon.core.errors import UserError, one_of
from lingon.core.files import read_json, write_json
from lingon.core.terminal import printable
from lingon.data.examples import Examples, Splits
from lingon.data.split import stratified_folds, stratified_split
from lingon.metrics.metric_table import format_metric
from lingon.metrics.scores import Scores
from lingon.recipes.train_once import train_once
from lingon.tasks.training import TrainContext, Training

VALID = 0.1  # of the texts that are trained on, as of any user's file
KEPT = "folds.json"


@dataclass(frozen=True)
class CrossValidated:
    """A task that is cross-validated when it is prepared: what `lingon.recipes.train` takes in place of a task."""

    task: Any

    def prepare(self, data: Splits, settings: Any, context: TrainContext) -> Training:
        """Return the training on all texts; its scores and its page are those of the folds.

        Folds that were tested before a run was stopped are not tested again, but for the last, which the page shows.
        """
        if context.world.size > 1:
            raise UserError(f"--folds is {settings.folds}, which runs in one process; start it without torchrun")
        whole = data.all()
        folds = stratified_folds(whole, settings.folds, settings.seed)
        _warn(whole, settings.folds)
        kept = context.folder / KEPT
        rows: list[dict[str, float]] = read_json(kept) if kept.exists() else []
        main, last = "", None
        for i, fold in enumerate(folds):
            if i < len(rows) and i + 1 < len(folds):
                continue
            last = self._tested(_parted(data, fold, settings.seed), settings, context, i)
            scores = last.test()
            main, rows = scores.main, [*rows[:i], dict(scores)]
            write_json(kept, rows)
            print(f"fold {i + 1} of {len(folds)}: {main.replace('_', ' ')} {format_metric(scores[main])}")
        assert last is not None, "the last fold is always tested"
        rest, valid = stratified_split(whole, VALID, settings.seed, "valid")
        training = self.task.prepare(replace(data, train=rest, valid=valid), settings, context)
        return _as_folds(training, rows, main, last)

    def _tested(self, data: Splits, settings: Any, context: TrainContext, number: int) -> Training:
        """The training of one fold, done. Its folder holds a tokenizer, and goes."""
        folder = context.folder / "folds" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        training = self.task.prepare(data, settings, replace(context, folder=folder))
        done = train_once(training, settings)
        shutil.rmtree(folder)
        return done


def _parted(data: Splits, fold: Sequence[int], seed: int) -> Splits:
    """Training, validation and test examples of a fold."""
    whole = data.all()
    tested = set(fold)
    rest, valid = stratified_split(whole[[i for i in range(len(whole)) if i not in tested]], VALID, seed, "valid")
    return replace(data, train=rest, valid=valid if len(valid) else rest, test=whole[fold])


def _warn(whole: Examples, folds: int) -> None:
    """Say which labels are not in every fold, as scikit-learn does."""
    few = [label for label, count in whole.label_counts().items() if count < folds]
    if few:
        some = one_of(map(repr, few[:5])) + (f" and {len(few) - 5} more" if len(few) > 5 else "")
        said = f"labels with fewer than {folds} texts are not in every fold: {some}"
        print(printable(said), file=sys.stderr)


def summary_of(rows: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return the mean and the standard deviation (of a sample, n - 1) of each metric over the folds."""
    names = list(rows[0])
    return {
        "mean": {name: statistics.fmean(row[name] for row in rows) for name in names},
        "std": {name: statistics.stdev(row[name] for row in rows) for name in names},
    }


def _as_folds(training: Training, rows: Sequence[dict[str, float]], main: str, last: Training) -> Training:
    """Return a training whose scores are those of the folds, and whose page and sample those of the last one."""
    found = summary_of(rows)
    lines = [f"{len(rows)} folds, mean and standard deviation; the page shows the last fold:"]
    for name, mean in found["mean"].items():
        lines.append(f"  {name.replace('_', ' '):20} {format_metric(mean)} +- {format_metric(found['std'][name])}")
    scores = Scores(found["mean"], main, {}, lines)
    again: Callable[[Any], Training] | None = training.refit
    refit = None if again is None else lambda history: _as_folds(again(history), rows, main, last)
    facts = {**training.facts, "folds": list(rows), "folds_mean": found["mean"], "folds_std": found["std"]}
    return replace(training, test=lambda: scores, report=last.report, sample=last.sample, facts=facts, refit=refit)
