"""Probes read what is there and no more; logistic regression is scikit-learn's; a word's vectors are its pieces'."""

import numpy as np
import pytest
import torch

from lingon.core.errors import UserError
from lingon.data.tokenizers import wordpiece, words
from lingon.interpret.layer_vectors import find_word, span_vectors, text_vectors
from lingon.interpret.logistic_regression import LogisticRegression
from lingon.interpret.probes import probe, probe_texts, probe_words
from lingon.interpret.recording import record
from lingon.interpret.word_in_context import WordInContext, word_in_context
from lingon.models.encoder_classifier import EncoderClassifier
from lingon.models.registry import build
from lingon.tasks.classify import Classifier
from lingon.tasks.embed import Embedder

TEXTS = ["a warm film", "dull", "an unwatchable film , dull", "warmest day"]


def embedder(max_length=None):
    torch.manual_seed(1)
    tokenizer = wordpiece(TEXTS * 3, 45).with_template()
    model = build("bert", {"vocab_size": len(tokenizer.vocab), "width": 6, "heads": 3, "depth": 2}).eval()
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.3)
    return Embedder(model, tokenizer, max_length=max_length)


def test_logistic_regression_is_that_of_scikit_learn():
    sklearn = pytest.importorskip("sklearn.linear_model")
    draw = np.random.default_rng(2)
    x, y = draw.normal(size=(61, 5)), draw.integers(0, 3, 61)
    theirs = sklearn.LogisticRegression(C=0.7, tol=1e-10, max_iter=5000).fit(x, y)
    ours = LogisticRegression(3, C=0.7).fit(torch.from_numpy(x), torch.from_numpy(y))
    assert np.abs(ours.weight.numpy() - theirs.coef_).max() < 1e-4
    assert ours.predict(torch.from_numpy(x)).tolist() == theirs.predict(x).tolist()
    assert ours.accuracy(torch.from_numpy(x), torch.from_numpy(y)) == pytest.approx(theirs.score(x, y))


def test_a_probe_reads_what_a_layer_has_and_not_what_it_has_not():
    draw = np.random.default_rng(5)
    labels = draw.choice(["down", "up"], 400)
    noise, signal = draw.normal(size=(400, 7)), draw.normal(size=(400, 7))
    signal[:, 3] += np.where(labels == "up", 4.0, -4.0)
    empty, full = probe(np.stack([noise, signal]).astype(np.float32), labels, [str(i) for i in range(400)])
    assert (empty.layer, full.layer) == (0, 1)
    assert full.accuracy == 1.0
    for chance in (empty.accuracy, empty.control, full.control, full.majority):
        assert 0.35 < chance < 0.65
    assert full.selectivity == full.accuracy - full.control


def test_the_control_task_gives_a_type_one_label_which_can_be_learned_by_heart():
    """A vector that says which word stands there reads any label of words: the accuracy means nothing then."""
    draw = np.random.default_rng(5)
    types = draw.integers(0, 6, 300)
    labels = [["noun", "verb"][i % 2] for i in types]
    (found,) = probe(np.eye(6, dtype=np.float32)[types][None], labels, [str(i) for i in types])
    assert found.accuracy == found.control == 1.0


def test_texts_and_words_are_probed_by_layer():
    task = embedder()
    found = probe_texts(task, TEXTS * 6, ["good", "bad", "bad", "good"] * 6)
    assert [row.layer for row in found] == [0, 1, 2]
    assert found[-1].accuracy == 1.0, "the same texts stand on both sides"
    sentences = [text.split() for text in TEXTS * 6]
    tags = [["X" if word in ("a", "an", ",") else "W" for word in words] for words in sentences]
    of_words = probe_words(task, sentences, tags)
    assert [row.layer for row in of_words] == [0, 1, 2]
    assert all(row.accuracy > row.majority for row in of_words)
    with pytest.raises(UserError, match="each word needs a label"):
        probe_words(task, sentences, [*tags[1:], ["W"]])
    with pytest.raises(UserError, match=r"a probe needs two or more labels, not \['good'\]"):
        probe_texts(task, TEXTS, ["good"] * 4)


def test_vectors_of_texts_and_places_are_means_of_tokens():
    task = embedder()
    ids = torch.tensor(task.token_ids([TEXTS[2]]))
    hidden = record(task.model, ids).hidden
    start, end = find_word(TEXTS[2], "unwatchable")
    pieces = [i for i, (a, b) in enumerate(task.tokenizer.offsets(TEXTS[2])) if start <= a < b <= end]
    assert len(pieces) > 1
    of_texts, of_places = text_vectors(task, TEXTS), span_vectors(task, [TEXTS[2]], [(start, end)])
    assert of_texts.shape == (3, 4, 6)
    for layer in range(3):
        assert np.abs(of_texts[layer, 2] - hidden[layer][0].mean(0).numpy()).max() < 1e-5
        assert np.abs(of_places[layer, 0] - hidden[layer][0, pieces].mean(0).numpy()).max() < 1e-5
    classifier = Classifier(EncoderClassifier(task.model, 2).eval(), task.tokenizer, ["a", "b"])
    assert np.abs(text_vectors(classifier, TEXTS) - of_texts).max() < 1e-6


def test_a_word_in_its_contexts():
    task = embedder()
    found = word_in_context(task, "film", [TEXTS[0], TEXTS[2], "Film"])
    assert found.vectors.shape == (3, 3, 6)
    a, b = found.vectors[1, 0], found.vectors[1, 1]
    assert found.cosines(1)[0, 1] == pytest.approx(float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)), abs=1e-6)
    assert found.places(2).shape == (3, 2)
    with pytest.raises(UserError, match="the word 'film' does not stand in 'films are dull'"):
        word_in_context(task, "film", ["a film", "films are dull"])
    with pytest.raises(UserError, match=r"no token stands at characters 23 to 27 .* or it was cut"):
        word_in_context(embedder(max_length=4), "dull", [TEXTS[2].replace("dull", " dull")])


def test_the_separation_of_senses_by_hand():
    vectors = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    found = WordInContext("bank", ("x", "y", "z"), vectors)
    assert found.separation(["river", "river", "money"], 0) == pytest.approx(1.0)
    assert found.separation(["river", "money", "money"], 0) == pytest.approx(0.0 - 0.5)
    with pytest.raises(UserError, match="give two senses or more"):
        found.separation(["river"] * 3)


def test_what_has_no_hidden_states_is_refused():
    tokenizer = words(TEXTS)
    task = Classifier(build("bag", {"vocab_size": len(tokenizer.vocab), "classes": 2}), tokenizer, ["a", "b"])
    with pytest.raises(UserError, match="the model of this classify is a BagOfVectors, which has no hidden states"):
        probe_texts(task, TEXTS, ["a", "b", "a", "b"])
    with pytest.raises(UserError, match="there are no texts to look at"):
        text_vectors(embedder(), [])
