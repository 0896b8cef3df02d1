"""Train a text classifier on a corpus or on a file of your own: the whole run, in order."""

from dataclasses import asdict
from typing import Annotated, Any

from typer import Option

from lingon.recipes.file_settings import Files, TextColumn, one_column
from lingon.recipes.settings import Folder, Settings, checked, filled

BadRow = Annotated[str, Option(help="stop at a row that cannot be read, or skip it.")]
Column = Annotated[str | None, Option(help="Name of the column; guessed when obvious.")]


def classify(
    data: Annotated[str, Option(help="A corpus (lingon data list), or a csv, tsv, jsonl, parquet or folder of yours.")],
    text: TextColumn = None,
    label: Column = None,
    test: Annotated[str | None, Option(help="A file to test on; none cuts a test split off.")] = None,
    on_bad_row: BadRow = "stop",
    files: Files = Files(),
    settings: Settings = Settings(),
    folder: Folder = Folder(out="runs/classify"),
) -> dict[str, Any]:
    """Train a text classifier on a corpus or on a file of your own."""
    # Imported here, so that `lingon --help` does not wait for torch.
    from lingon.checkpoints.bundle import record_in_bundle, save_bundle
    from lingon.core.device import pick_device
    from lingon.core.seed import seed_everything
    from lingon.data.load_data import load_data
    from lingon.engine.distributed import process_group
    from lingon.engine.fit import fit
    from lingon.engine.run import Run
    from lingon.recipes import prepare
    from lingon.recipes.class_weights import class_weights
    from lingon.recipes.summary import Clock, after_training, ended, record_of, summary
    from lingon.tasks.classify import Classifier
    from lingon.tasks.classify.report import write_report

    text, settings, device, clock = one_column(text), checked(settings), pick_device(settings.device), Clock()
    # Before the folder is opened, so that texts that cannot be read leave an old run alone. How texts are split does
    # not follow the seed: runs of several seeds share their test, and a later evaluation finds it again.
    splits = load_data(data, text=text, label=label, test=test, on_bad_row=on_bad_row, options=files)
    labels = prepare.labels_of(splits.train)
    weights = settings.class_weights and class_weights(settings.class_weights, labels, splits.train.label_counts())
    settings = filled(settings, len(splits.train))
    record = record_of(settings, data=data, text=text, label=label, test=test, **asdict(files))
    clock.lap("load the texts")
    with (
        process_group(device) as place,
        Run.open(folder.out, record["arguments"], folder.resume, folder.overwrite) as run,
    ):
        if ended(run):
            return run.facts
        tokenizer = prepare.tokenizer_of(splits.train.texts, settings, run.folder / "tokenizer.json", place)
        seed_everything(settings.seed)
        model = prepare.model_of(settings, tokenizer, len(labels), splits.train).to(device)
        coverage = prepare.attach_vectors(model, tokenizer, settings)
        classifier = Classifier(model, tokenizer, labels, settings.max_length, weights)
        batches = prepare.batches_of(classifier, splits.train, settings, place)
        clock.lap("turn them into ids")
        history = fit(
            prepare.wrap(model, settings),
            batches,
            classifier.loss,
            prepare.optimizer_of(model, settings),
            config=prepare.train_config(settings, len(batches)),
            evaluation=prepare.evaluation_of(classifier, splits.valid, settings, len(batches)),
            run=run,
        )
        clock.lap("train")
        record |= {"data": splits.source, "padding": batches.padding, "coverage": coverage, "valid": history.best}
        if place.rank > 0:
            return record
        # First of all: nothing that comes after training can lose the model.
        bundle = save_bundle(classifier, settings.model, run.folder / "bundle", record)
        record["seconds"] = clock.laps
        with after_training(run, bundle):
            found = classifier.evaluate(splits.test)
            record |= {"test": dict(found), **found.tables}
            clock.lap("test")
            run.record_all(record)
            record_in_bundle(bundle, record)
            write_report(run.folder / "report.html", classifier, splits.test, run.folder, record)
            clock.lap("write the report")
            run.record_all(record)
            print(summary(record, run.folder))
    return record
