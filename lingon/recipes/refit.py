"""After validation: how a training ended, and the training on training and validation data together."""

import sys

from lingon.engine.compile import compile_model
from lingon.engine.fit import History, fit
from lingon.engine.run import Run
from lingon.engine.world import world
from lingon.metrics.metric_table import HIGHER_IS_BETTER
from lingon.recipes.summary import REFIT
from lingon.recipes.training_config import fit_parts
from lingon.tasks.settings import TrainSettings
from lingon.tasks.training import Training

GAIN = 0.005


def refitted(training: Training, history: History, settings: TrainSettings, run: Run | None = None) -> Training:
    """Train again on training and validation data together; return that training, with the trained task.

    history: of the first training, which chose how long. run: of the first; the second is resumed with it.
    """
    assert training.refit is not None, "called only for a training that can be refitted"
    again = training.refit(history)
    if history.best_step == 0:  # what it begins with was the best
        return again
    module = again.distribute(compile_model(again.module) if settings.compile else again.module)
    parts = fit_parts(module, again, settings) | {"evaluation": None}
    if run is None:
        fit(module, again.batches, again.loss, **parts)
        return again
    folder = run.folder / REFIT
    begun = run.resumed and (folder / "run.json").exists()
    with Run.open(folder, dict(run.facts["arguments"]), resume=begun, overwrite=not begun) as second:
        fit(module, again.batches, again.loss, run=second, **parts)
    return again


def still_improving(history: History, metric: str) -> bool:
    """Return whether the validation metric gained over a two-hundredth in the last quarter of the training."""
    name, sign = f"valid_{metric}", 1 if HIGHER_IS_BETTER[metric] else -1
    seen = [(row["step"], sign * row[name]) for row in history.rows if name in row]
    before = [value for step, value in seen if step <= history.steps * 3 / 4]
    after = [value for step, value in seen if step > history.steps * 3 / 4]
    return bool(before and after) and max(after) - max(before) > GAIN * abs(max(before))


def how_it_ended(training: Training, history: History, settings: TrainSettings) -> str:
    """Return whether the training had come to its end: converged, stopped early, level, or still improving.

    Says so on stderr where more epochs may serve.
    """
    if training.optimizer is not None:
        found = "converged" if training.optimizer.optima else "not converged"
    elif history.stopped_early:
        found = "stopped early"
    else:
        found = "still improving" if still_improving(history, training.metric) else "level"
    if found in ("not converged", "still improving") and world().rank == 0:
        what = "before the loss converged" if found == "not converged" else "while it was still improving"
        unit = "steps" if getattr(settings, "steps", None) else "epochs"  # in which the length was given
        length = history.steps if unit == "steps" else history.epochs
        said = f"1 {unit[:-1]}" if length == 1 else f"{length:g} {unit}"
        longer = f"--{unit} {2 * length:g}"
        print(f"training stopped after {said}, {what}; {longer} may give a better model", file=sys.stderr)
    return found
