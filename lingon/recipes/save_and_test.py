"""What follows a training: the bundle before all else, then the test and the page."""

from collections.abc import Mapping
from typing import Any

from lingon.checkpoints.bundle import record_in_bundle, save_bundle
from lingon.engine.run import Run
from lingon.recipes.pretrained import save_encoder
from lingon.recipes.summary import Clock, after_training, summary, write_report
from lingon.tasks.training import Training


def save_and_test(
    training: Training, models: str | Mapping[str, str], run: Run, record: dict[str, Any], clock: Clock
) -> None:
    """Save the bundle of a training that has ended, test its task, and add what was found to the record.

    models: the name of the model in the registry, or of each of several parts.
    """
    # First of all: nothing that comes after training can lose the model.
    bundle = save_bundle(training.task, models, run.folder / "bundle", record)
    save_encoder(training, run.folder)
    record["seconds"] = clock.laps
    with after_training(run, bundle):
        found = training.test()
        record |= {"test": dict(found), **{key: value for key, value in found.row().items() if key not in found}}
        clock.lap("test")
        run.record_all(record)
        record_in_bundle(bundle, record)
        page = write_report(training, run.folder, record)
        clock.lap("write the page")
        run.record_all(record)
        print(summary(record, found, training, run.folder, page))
