"""scikit-learn's tf-idf of words and bigrams with a linear SVM and a logistic regression, all by default."""

import csv
import sys

import numpy
import sklearn
from serve import serve
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC


def run(train, test):
    """Trains both on a csv of texts and labels; returns labels, and the scores [n, C] of each for the test texts."""
    (texts, labels), (held_out, _) = read(train), read(test)
    features = TfidfVectorizer(ngram_range=(1, 2))
    x, z = features.fit_transform(texts), features.transform(held_out)
    found = {}
    for name, model in (("LinearSVC", LinearSVC()), ("LogisticRegression", LogisticRegression())):
        model.fit(x, labels)
        scores = model.decision_function(z)
        found[name] = (scores if scores.ndim == 2 else numpy.stack([-scores, scores], 1)).tolist()
    return {"labels": model.classes_.tolist(), "scores": found, "versions": {"scikit-learn": sklearn.__version__}}


def read(path):
    csv.field_size_limit(sys.maxsize)
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [row[0] for row in rows], [row[1] for row in rows]


serve(run=run)
