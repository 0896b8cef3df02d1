"""Train a language model on running text: the whole run, in order."""

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from typer import Option

from lingon.recipes.file_settings import Files, TextColumn, one_column
from lingon.recipes.settings import Folder
from lingon.recipes.text_settings import TextSettings, checked, filled

Data = Option(help="A text (lingon data list), or a file, table or folder of yours; repeat for more. austen")
Accept = Annotated[bool, Option("--accept-licence", help="You may use a text whose licence is unclear, such as ptb.")]


def language_model(
    data: Annotated[list[str] | None, Data] = None,
    text: TextColumn = None,
    accept_licence: Accept = False,
    files: Files = Files(),
    settings: TextSettings = TextSettings(),
    folder: Folder = Folder(out="runs/language-model"),
) -> dict[str, Any]:
    """Train a language model on running text, and let it write."""
    # Imported here, so that `lingon --help` does not wait for torch.
    from lingon.checkpoints.bundle import record_in_bundle, save_bundle
    from lingon.core.device import pick_device
    from lingon.core.seed import seed_everything
    from lingon.data.running_text import documents_of, identity
    from lingon.engine.distributed import process_group
    from lingon.engine.fit import fit
    from lingon.engine.run import Run
    from lingon.export.training_curves import plot_runs
    from lingon.kernels.allocator import keep_freed_memory
    from lingon.recipes import prepare, prepare_text
    from lingon.recipes.summary import Clock, after_training, ended, record_of
    from lingon.recipes.text_summary import summary
    from lingon.tasks.language_model import LanguageModel
    from lingon.tasks.language_model.objective import Objective, finite, likelihood

    sources, text = list(data or ["austen"]), one_column(text)
    read = partial(documents_of, sources, accept_licence=accept_licence, text=text, options=files)
    settings, device, clock = filled(checked(settings)), pick_device(settings.device), Clock()
    record = record_of(settings, data=sources, text=text, **asdict(files))
    next(read("train"), None)  # so that a wrong name leaves an old run alone
    with (
        process_group(device) as place,
        Run.open(folder.out, record["arguments"], folder.resume, folder.overwrite) as run,
    ):
        if ended(run):
            return run.facts
        tokenizer = prepare_text.tokenizer_of(read, settings, run.folder / "tokenizer.json", place)
        streams = prepare_text.streams_of(read, identity(sources, text, files), tokenizer, place)
        clock.lap("turn the text into ids")
        seed_everything(settings.seed)
        keep_freed_memory()
        model = prepare_text.model_of(settings, len(tokenizer.vocab)).to(device)
        objective = Objective(model, prepare_text.softmax_of(settings, streams["train"], len(tokenizer.vocab)))
        batches = prepare_text.batches_of(model, streams["train"], settings, place)
        trained = prepare_text.wrap(objective, settings)
        history = fit(
            trained,
            batches,
            prepare_text.loss_of(model),
            prepare.adamw(trained, settings.lr, weight_decay=settings.weight_decay or 0.0),
            config=prepare.train_config(settings, len(batches)),
            evaluation=prepare_text.evaluation_of(streams["valid"], settings, len(batches)),
            run=run,
        )
        clock.lap("train")
        record |= {"tokens": {part: len(stream) for part, stream in streams.items()}, "valid": history.best}
        if place.rank > 0:
            return record
        # First of all: nothing that comes after training can lose the model.
        language, test = LanguageModel(model, tokenizer), streams["test"]
        bundle = save_bundle(language, settings.model, run.folder / "bundle", record)
        record["seconds"] = clock.laps
        with after_training(run, bundle):
            record["test"] = finite(
                likelihood(model, test[:], settings.context_length, rows=8, bytes=test.bytes)
            ).scores()
            clock.lap("test")
            run.record_all(record)
            record_in_bundle(bundle, record)
            plot_runs([run.folder], run.folder / "curves.html")
            print(summary(record, run.folder, language))
    return record
