"""scikit-learn on tf-idf of words and bigrams: logistic regression of each label, or ridge regression of numbers."""

import json

import sklearn
from serve import serve
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer


def several(train, test):
    """Trains one logistic regression for each label; returns the labels of each test text."""
    (texts, labels), (held_out, _) = read(train), read(test)
    features, names = TfidfVectorizer(ngram_range=(1, 2)), MultiLabelBinarizer()
    model = OneVsRestClassifier(LogisticRegression(max_iter=1000))
    model.fit(features.fit_transform(texts), names.fit_transform(labels))
    found = names.inverse_transform(model.predict(features.transform(held_out)))
    return {"labels": [list(one) for one in found], "versions": {"scikit-learn": sklearn.__version__}}


def numbers(train, test):
    """Trains ridge regression; returns the number of each test text."""
    (texts, values), (held_out, _) = read(train), read(test)
    features = TfidfVectorizer(ngram_range=(1, 2))
    model = Ridge().fit(features.fit_transform(texts), values)
    found = model.predict(features.transform(held_out)).tolist()
    return {"values": found, "versions": {"scikit-learn": sklearn.__version__}}


def read(path):
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [row["text"] for row in rows], [row["label"] for row in rows]


serve(several=several, numbers=numbers)
