"""Train word vectors on any amount of text: the whole run, in order."""

from functools import partial
from typing import Annotated, Any

from typer import Option

from lingon.core.counted import counted
from lingon.recipes.file_settings import Files, TextColumn, one_column
from lingon.recipes.folder_settings import FolderSettings
from lingon.recipes.vector_settings import VectorSettings, checked

Data = Annotated[
    list[str] | None,
    Option(help="A text (lingon data list), or your own file, table or folder; repeatable. Default: wiki."),
]
Accept = Annotated[
    bool, Option("--accept-licence", help="Accept that the licence of a text is unclear, such as that of ptb.")
]


def vectors(
    data: Data = None,
    text: TextColumn = None,
    accept_licence: Accept = False,
    files: Files = Files(),
    settings: VectorSettings = VectorSettings(),
    folder: FolderSettings = FolderSettings(out="runs/vectors"),
) -> dict[str, Any]:
    """Train word vectors: skip-gram, CBOW, with or without subwords, or GloVe."""
    # Imported here, so that `lingon --help` does not wait for NumPy and torch.
    import shutil
    from dataclasses import asdict

    from lingon.core.device import usable_cores
    from lingon.data.running_text import read_running_lines, sources_fingerprint
    from lingon.engine.run import Run
    from lingon.recipes.prepare_vectors import job_of, text_of, vectors_of
    from lingon.recipes.summary import Clock, record_of
    from lingon.word_vectors.files import IN_RUN, save_vector_file
    from lingon.word_vectors.train.parallel import run_job

    given = {"data": data, "text": text, "accept_licence": accept_licence, **asdict(files), **asdict(settings)}
    sources, column, settings, clock = list(data or ["wiki"]), one_column(text), checked(settings), Clock()
    record = record_of(settings, data=sources_fingerprint(sources, column, files))
    # Of corpora only the part to train is read, so that vectors know nothing of texts that others are tested on.
    lines = partial(read_running_lines, sources, "train", accept_licence, column, files)
    next(lines(), None)  # so that a wrong name leaves an old run alone
    threads = 1 if settings.deterministic else settings.threads or usable_cores()
    with Run.open(folder.out, record["arguments"], folder.resume, folder.overwrite) as run:
        numbers, out = run.folder / "text", run.folder / IN_RUN
        if "loss" in run.facts:
            print(f"trained already: {out}")
            return run.facts
        run.record("given", given)
        numbers.mkdir(exist_ok=True)
        words, length = text_of(lines, settings, numbers / "ids")
        clock.lap("turn the text into numbers")
        job = job_of(settings, words, numbers / "ids", length)
        alike = "one thread: the seed decides" if threads == 1 else f"{threads} threads, no locks: runs differ a little"
        print(f"{counted(words.total, 'word')}, {len(words.tokens):,} different; {alike}")
        speed, loss = run_job(job, threads, run)
        clock.lap("train")
        save_vector_file(out, words.tokens, *vectors_of(settings, words, job))
        record |= {"words": words.total, "vocabulary": len(words.tokens), "loss": loss}
        record |= {f"{job.unit}_per_second": round(speed), "seconds": clock.laps}
        run.record_all(record)
        for done_with in (numbers, run.checkpoints):  # as large as the vectors, or larger
            shutil.rmtree(done_with, ignore_errors=True)
    print(f"{speed:,.0f} {job.unit}/s\nask: {question(words.tokens, str(run.folder))}")
    return record


def question(tokens: list[str], folder: str) -> str:
    """A command for a shell that asks for a word, neither the commonest nor a long one."""
    import shlex

    short = [word for word in tokens if len(word) <= 30 and word.isprintable() and not word.startswith("-")]
    short = [word for word in short if len(word) > 2 and word.isalpha()] or short
    some = short[min(300, len(short) // 2)] if short else "WORD"
    return f"lingon vectors nearest {shlex.quote(some)} --vectors {shlex.quote(folder)}"
