"""scikit-learn's tf-idf of words and bigrams with logistic regression, its strength chosen on validation texts."""

import json
import time

import numpy
import sklearn
from serve import serve
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

state = {}


def run(train, valid, test, strengths):
    """Trains with every C, keeps the best on `valid`, scores `test`. Returns labels, probabilities and accuracy.

    The figures of the tf-idf and the models come from the training texts alone.
    """
    (texts, labels), (few, truth), (held_out, answers) = read(train), read(valid), read(test)
    begun = time.perf_counter()
    features = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    x, y, z = features.fit_transform(texts), features.transform(few), features.transform(held_out)
    fitted = time.perf_counter() - begun
    models = {c: LogisticRegression(C=c, max_iter=1000).fit(x, labels) for c in strengths}
    best = max(models, key=lambda c: models[c].score(y, truth))
    return {
        "labels": models[best].classes_.tolist(),
        "probabilities": models[best].predict_proba(z).tolist(),
        "accuracy": models[best].score(z, answers),
        "C": best,
        "seconds_of_tfidf": fitted,
        "versions": {"scikit-learn": sklearn.__version__, "numpy": numpy.__version__},
    }


def read(path):
    with open(path, encoding="utf-8") as file:
        held = json.load(file)
    return held["texts"], held["labels"]


serve(run=run)
