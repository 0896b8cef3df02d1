"""Lingon's training of word vectors, told to train on a file of words."""

from pathlib import Path

from serve import serve

from lingon.recipes.prepare_vectors import job_of, text_of, vectors_of
from lingon.recipes.vector_settings import VectorSettings
from lingon.word_vectors.files import save_vector_file
from lingon.word_vectors.train.parallel import Pool

state = {}


def start(corpus, small, folder, **settings):
    """Compiles the loops on a little text."""
    state.update(folder=Path(folder), settings=VectorSettings(spaces=True, **settings))
    state["corpus"] = small
    prepare()
    run()
    del state["job"], state["words"]
    state["corpus"] = corpus


def prepare():
    """The text as numbers, and the tables."""
    ids = state["folder"] / "text.ids"
    words, length = text_of([state["corpus"]], state["settings"], ids)
    state.update(words=words, job=job_of(state["settings"], words, ids, length))
    return {"words": words.total, "vocabulary": len(words.tokens)}


def run():
    """All epochs, on all threads."""
    Pool(state["job"], state["settings"].threads).run(state["job"].pieces, lambda *told: None, lambda: False)


def whole():
    """From the file to the vectors."""
    known = prepare()
    run()
    return known


def save(path):
    table, _ = vectors_of(state["settings"], state["words"], state["job"])
    save_vector_file(Path(path), state["words"].tokens, table)


serve(**{f.__name__: f for f in (start, prepare, run, whole, save)})
