"""Word vectors of fastText itself: it trains small models, and says the vectors of words."""

import fasttext
from serve import serve

KINDS = {
    "skip-gram": {"model": "skipgram"},
    "cbow": {"model": "cbow", "minn": 1, "maxn": 2},
    "no-subwords": {"model": "skipgram", "maxn": 0},
    "tree": {"model": "skipgram", "loss": "hs"},
}


def make(kind, text, path):
    """Trains on a file of text and writes .bin and .vec."""
    more = {"epoch": 1, "thread": 1, "verbose": 0}
    if kind == "supervised":
        model = fasttext.train_supervised(text, dim=7, bucket=503, minn=2, maxn=3, wordNgrams=2, **more)
    else:
        model = fasttext.train_unsupervised(text, dim=11, minCount=1, bucket=1009, **KINDS[kind], **more)
    model.save_model(path)


def ask(path, words):
    """Known words, and the vectors of some words, known or not."""
    model = fasttext.load_model(path)
    return {"known": model.get_words(), "vectors": [model.get_word_vector(word).tolist() for word in words]}


serve(make=make, ask=ask)
