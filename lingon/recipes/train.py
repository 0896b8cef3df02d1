"""Train any task: the whole run, in order. What differs between tasks is in `lingon.tasks`."""

from dataclasses import asdict
from typing import Any

from lingon.recipes.data_settings import Source
from lingon.recipes.folder_settings import FolderSettings
from lingon.tasks.settings import TrainSettings


def train_task(task: str, source: Source, settings: TrainSettings, folder: FolderSettings) -> dict[str, Any]:
    """Train a task on data, test it and save it as a bundle; return what run.json records.

    task: its name in the registry. Raises UserError or DataError for settings and data that cannot be used, before the
    folder is touched.
    """
    # Imported here, so that `lingon --help` does not wait for torch.
    from lingon.checkpoints.load import load
    from lingon.core.device import pick_device
    from lingon.engine.compile import compile_model
    from lingon.engine.distributed import process_group
    from lingon.engine.fit import fit
    from lingon.engine.run import Run
    from lingon.kernels.allocator import give_back_freed_memory
    from lingon.recipes.cross_validation import CrossValidated
    from lingon.recipes.pretrained import keep_adapters, open_pretrained, record_pretrained
    from lingon.recipes.refit import how_it_ended, refitted
    from lingon.recipes.save_and_test import save_and_test
    from lingon.recipes.summary import Clock, is_finished, record_of
    from lingon.recipes.training_config import fit_parts
    from lingon.tasks.registry import task_of
    from lingon.tasks.training import TrainContext
    from lingon.word_vectors.files.text_format import read_vectors

    Run.check_room(folder.out, folder.resume, folder.overwrite)
    given = asdict(source) | asdict(settings)
    settings, device, clock = settings.for_data(source).checked(), pick_device(settings.device), Clock()
    pretrained = open_pretrained(settings.from_)
    settings = settings.started(pretrained) if pretrained else settings
    data = source.read()
    settings = settings.filled(data)
    record = record_of(settings, **source.record())
    clock.lap("load the data")
    with (
        process_group(device) as place,
        Run.open(folder.out, record["arguments"], folder.resume, folder.overwrite) as run,
    ):
        if is_finished(run):
            return run.facts
        run.record("given", given)
        record |= record_pretrained(run, pretrained)
        kind: Any = task_of(task)  # one that is `Trainable`
        kind = CrossValidated(kind) if getattr(settings, "folds", None) else kind
        training = kind.prepare(data, settings, TrainContext(run.folder, place, device, read_vectors, pretrained, load))
        module = training.distribute(compile_model(training.module) if settings.compile else training.module)
        clock.lap("prepare")
        history = fit(
            module,
            training.batches,
            training.loss,
            run=run,
            **fit_parts(module, training, settings),
        )
        record |= {**training.facts, "valid": history.best, "ended": how_it_ended(training, history, settings)}
        clock.lap("train", at_least=history.seconds)
        training.calibrate()
        if training.refit:
            training = refitted(training, history, settings, run)
            clock.lap("refit")
        give_back_freed_memory()  # else the test, whose batches are of other sizes, is the most memory of a run
        if place.rank == 0:
            keep_adapters(training.task, run.folder, pretrained)
            save_and_test(training, training.models or settings.model, run, record, clock)
    return record
