"""gensim's KeyedVectors, asked as its documentation does."""

from importlib.metadata import version

import numpy as np
from gensim.models import KeyedVectors
from serve import serve

state = {}


def start(path):
    """Reads a binary file of word2vec."""
    state["vectors"] = KeyedVectors.load_word2vec_format(path, binary=True)
    state["vectors"].fill_norms()
    return {"versions": {name: version(name) for name in ("gensim", "numpy")}}


def words(words):
    state["words"] = words


def nearest(count):
    """The nearest words of each word; there is one call a word."""
    state["found"] = [state["vectors"].most_similar(word, topn=count) for word in state["words"]]


def analogies(questions):
    """The best answer to each question, by 3CosAdd over the whole vocabulary."""
    state["found"] = [state["vectors"].most_similar([b, c], [a], topn=1)[0] for a, b, c in questions]


def found():
    return {"found": [[[w, float(x)] for w, x in row] if isinstance(row, list) else row for row in state["found"]]}


def save(path, binary):
    """Writes what was read."""
    state["vectors"].save_word2vec_format(path, binary=binary)


def own(path, text):
    """Writes a small table of its own making; gives back its words and numbers."""
    made = KeyedVectors(5)
    made.add_vectors(text.split(), np.random.default_rng(0).standard_normal((len(text.split()), 5)).astype("f4"))
    made.save_word2vec_format(path + ".bin", binary=True)
    made.save_word2vec_format(path + ".txt", binary=False)
    return {"words": made.index_to_key, "table": made.vectors.tolist()}


def table():
    return {"words": state["vectors"].index_to_key, "table": state["vectors"].vectors.tolist()}


serve(start=start, words=words, nearest=nearest, analogies=analogies, found=found, save=save, own=own, table=table)
