"""Our word vectors, asked the same questions; each worker reads the file itself."""

import sys
from pathlib import Path

import numpy as np
import torch
from serve import serve

from lingon.core.errors import UserError
from lingon.data.corpora.questions import load_questions
from lingon.word_vectors.queries import WordVectors, evaluate_analogies, nearest
from lingon.word_vectors.queries.analogies import best_answers

state = {}


def start(path, threads):
    torch.set_num_threads(threads)
    state["vectors"] = WordVectors.open(Path(path))
    state["vectors"].unit  # noqa: B018  (gensim has its norms by now too)


def opened(path):
    """Opens a file and looks at its last vector."""
    vectors = WordVectors.open(Path(path))
    vectors.table[-1].sum()


def words(words):
    state["words"] = words


def near(count):
    """The nearest words of all words, in one call."""
    state["found"] = nearest(state["vectors"], state["words"], count)


def analogies(questions):
    vectors = state["vectors"]
    rows = [[vectors.row(word) for word in three] for three in questions]
    state["found"] = [vectors.words[i] for i in best_answers(vectors.unit, np.array(rows))]


def evaluate(most):
    """All analogies, or the first so many; the whole vocabulary may answer."""
    return evaluate_analogies(state["vectors"], load_questions("google-analogies")[:most])


def found():
    return {"found": state["found"]}


def peak():
    """Megabytes of memory at the most, with PyTorch and everything."""
    if sys.platform != "linux":
        raise UserError("the peak of memory is read on Linux only")
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return {"megabytes": int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6}


serve(
    start=start,
    opened=opened,
    words=words,
    nearest=near,
    analogies=analogies,
    evaluate=evaluate,
    found=found,
    peak=peak,
)
