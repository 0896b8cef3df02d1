"""spaCy: parts of speech of sentences that are divided into words already, by the part of a model that tags."""

import json

import spacy
from serve import serve
from spacy.tokens import Doc

state = {}


def start(folder, sentences):
    """folder: of the model. sentences: a JSON file with lists of words."""
    with open(sentences, encoding="utf-8") as file:
        state["sentences"] = json.load(file)
    nlp = spacy.load(folder, exclude=["parser", "ner", "lemmatizer", "senter"])
    state["nlp"] = nlp
    return {"versions": {"spacy": spacy.__version__}, "parts": nlp.pipe_names}


def run():
    """Tags all sentences, by the batches of its own `pipe`."""
    nlp = state["nlp"]
    state["found"] = list(nlp.pipe(Doc(nlp.vocab, words=words) for words in state["sentences"] if words))


def tags():
    """Returns the parts of speech of Universal Dependencies, as it maps its own tags to them."""
    return {"tags": [[word.pos_ for word in doc] for doc in state["found"]]}


serve(start=start, run=run, tags=tags)
