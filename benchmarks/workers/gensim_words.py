"""gensim's Word2Vec on a file of words, by its fastest path: compiled, several workers, no Python in the loop."""

from importlib.metadata import version

from gensim.models import Word2Vec
from serve import serve

state = {}


def start(corpus, skipgram, epochs, threads, seed):
    """Where the text is, and the settings."""
    state.update(corpus=corpus, skipgram=skipgram, epochs=epochs, threads=threads, seed=seed)
    return {"versions": {name: version(name) for name in ("gensim", "numpy")}}


def prepare():
    """The vocabulary."""
    model = Word2Vec(
        vector_size=100,
        window=5,
        negative=5,
        sample=1e-3,
        min_count=5,
        sg=int(state["skipgram"]),
        alpha=0.025 if state["skipgram"] else 0.05,
        workers=state["threads"],
        epochs=state["epochs"],
        seed=state["seed"],
    )
    model.build_vocab(corpus_file=state["corpus"])
    state["model"] = model


def run():
    """All epochs."""
    model = state["model"]
    model.train(
        corpus_file=state["corpus"],
        total_words=model.corpus_total_words,
        total_examples=model.corpus_count,
        epochs=model.epochs,
    )


def save(path):
    state["model"].wv.save_word2vec_format(path, binary=True)


serve(**{f.__name__: f for f in (start, prepare, run, save)})
