"""fastText's own training of word vectors with parts of words."""

from importlib.metadata import version

import fasttext
from serve import serve

state = {}


def start(corpus, epochs, threads, seed):
    """Where the text is, and the settings. It takes no seed: its threads make every run differ."""
    state.update(corpus=corpus, epochs=epochs, threads=threads)
    return {"versions": {"fasttext": version("fasttext-wheel")}}


def whole():
    """From the file to the vectors."""
    state["model"] = fasttext.train_unsupervised(
        state["corpus"],
        "skipgram",
        lr=0.05,
        dim=100,
        ws=5,
        neg=5,
        epoch=state["epochs"],
        minCount=5,
        minn=3,
        maxn=6,
        t=1e-3,
        bucket=2_000_000,
        thread=state["threads"],
        verbose=0,
    )


def save(path):
    model = state["model"]
    with open(path, "w", encoding="utf-8") as file:
        words = [word for word in model.get_words() if word != "</s>"]
        print(len(words), 100, file=file)
        for word in words:
            print(word, *(f"{x:.9g}" for x in model.get_word_vector(word).tolist()), file=file)


serve(**{f.__name__: f for f in (start, whole, save)})
