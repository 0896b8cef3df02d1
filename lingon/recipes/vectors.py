"""Train word vectors on any amount of text: the whole run, in order."""

from typing import Annotated, Any

from typer import Option

from lingon.recipes.settings import Folder
from lingon.recipes.vector_settings import VectorSettings, checked

Corpus = Annotated[
    list[str] | None, Option(help="A text (lingon data list), or a file of plain text; repeat for more. wiki")
]


def vectors(
    corpus: Corpus = None,
    settings: VectorSettings = VectorSettings(),
    folder: Folder = Folder(out="runs/vectors"),
) -> dict[str, Any]:
    """Train word vectors: skip-gram, CBOW, with or without parts of words, or GloVe."""
    # Imported here, so that `lingon --help` does not wait for NumPy.
    import os
    from dataclasses import asdict
    from pathlib import Path

    from lingon.core.errors import Interrupted, UserError
    from lingon.core.files import locked, read_json, write_json
    from lingon.core.progress import track
    from lingon.data.running_text import identity
    from lingon.data.text_stream import checked as found
    from lingon.data.vector_files import save_vector_file
    from lingon.engine.interrupt import interruptible
    from lingon.recipes.prepare_vectors import job_of, text_of, vectors_of
    from lingon.tasks.train_vectors import Pool, load_state, save_state

    sources, settings, out = list(found(corpus or ["wiki"])), checked(settings), Path(folder.out)
    arguments = {"corpus": identity(sources), **asdict(settings)}
    record_file, state, ids = out / "run.json", out / "state.npz", out / "text.ids"
    threads = 1 if settings.deterministic else settings.threads or os.cpu_count() or 1
    with locked(out, "training"):
        if record_file.exists() and not (folder.resume or folder.overwrite):
            raise UserError(f"{out} holds a run already; --resume goes on with it, --overwrite begins anew")
        if folder.resume and not record_file.exists():
            raise UserError(f"{out} holds no run to resume")
        if folder.resume and read_json(record_file)["arguments"] != arguments:
            raise UserError(f"{out} was begun with other settings or texts; --resume needs the same")
        if not folder.resume:
            state.unlink(missing_ok=True)
        words, length = text_of(sources, settings, ids)
        write_json(record_file, {"arguments": arguments, "words": len(words.tokens), "text": words.total})
        job = job_of(settings, words, ids, length)
        pool = Pool(job, threads, load_state(state, job) if state.exists() else 0)
        print(f"{words.total:,} words, {len(words.tokens):,} different; {_way(threads)}")
        losses: list[float] = []
        unit = "pairs" if settings.method == "glove" else "words"
        with track(0, "train", unit) as bar, interruptible(bar.say) as stop:
            each = -(-job.pieces // settings.epochs)
            bar.total = settings.epochs * (length if unit == "words" else each << 16)
            bar.done = bar._first = bar.total * pool.done // max(1, job.pieces)

            def told(read: int, loss: float) -> None:
                losses.append(loss)
                bar.advance(read, loss=sum(losses[-50:]) / len(losses[-50:]))

            while pool.done < job.pieces:
                pool.run((pool.done // each + 1) * each, told, lambda: stop.asked)
                pool.check()
                save_state(state, pool)
                if stop.asked and pool.done < job.pieces:
                    raise Interrupted(f"stopped; go on with --resume --out {out}")
            speed = bar.speed
        table, parts = vectors_of(settings, words, job)
        save_vector_file(out / "vectors.safetensors", words.tokens, table, parts)
        record = read_json(record_file) | {"per_second": speed, "loss": sum(losses[-50:]) / max(1, len(losses[-50:]))}
        write_json(record_file, record)
        for path in (state, ids, *out.glob("*.bin")):
            path.unlink(missing_ok=True)
    print(f"{speed:,.0f} {unit}/s\nask: lingon vectors nearest king --vectors {out / 'vectors.safetensors'}")
    return record


def _way(threads: int) -> str:
    return f"{threads} threads without locks: runs differ a little" if threads > 1 else "one thread: the seed decides"
