"""Integrated gradients: completeness, by hand for a linear model, every model of texts; occlusion leaves out words."""

from itertools import chain

import numpy as np
import pytest
import torch

from lingon.core.errors import UserError
from lingon.data.tokenizers import wordpiece, words
from lingon.interpret.attribution import attribute, attribute_similarity
from lingon.interpret.integrated_gradients import integrated_gradients
from lingon.models.encoder_classifier import EncoderClassifier
from lingon.models.registry import build
from lingon.tasks.classify import Classifier
from lingon.tasks.classify.saliency import deciding_words, words_of
from lingon.tasks.embed import Embedder
from tests.models.encoder_configs import ENCODERS

TEXT = "a warm film , not dull"
TEXTS = [TEXT, "dull and cold", "an unwatchable film", "warmest"]
SIZES = {
    "bag": {"width": 7},
    "bilstm": {"width": 7, "hidden": 5},
    "self_attentive": {"width": 7, "hidden": 5, "attention": 11, "hops": 2},
    "textcnn": {"width": 7, "kernels": [2, 3], "channels": 5},
}


def classifier(name):
    torch.manual_seed(1)
    tokenizer = wordpiece(TEXTS * 3, 45).with_template()
    vocab_size = len(tokenizer.vocab)
    if name in SIZES:
        model = build(name, {"vocab_size": vocab_size, "classes": 3, **SIZES[name]})
    else:
        encoder = build(ENCODERS[name]["model_type"], {**ENCODERS[name], "vocab_size": vocab_size})
        model = EncoderClassifier(encoder, 3)
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.3)
    return Classifier(model.eval(), tokenizer, ["down", "flat", "up"], max_length=11)


@pytest.mark.parametrize("name", [*SIZES, *ENCODERS])
def test_attributions_sum_to_the_difference_of_the_logits(name):
    task = classifier(name)
    for label in ("down", "up"):
        found = attribute(task, TEXT, label)
        column = task.labels.index(label)
        ids = torch.tensor(task.encode([TEXT]))
        mask, inside = (
            torch.ones_like(ids, dtype=torch.bool),
            {i for _, _, pieces in words_of(task, TEXT) for i in pieces},
        )
        with torch.no_grad():
            at_text = task.model(ids, mask)[0, column]
            # The baseline by hand: a second row of the table for each special token, zeros for all others.
            table = task.model.encoder.embedding if name in ENCODERS else task.model.embedding
            held = table.weight.clone()
            for token in {int(ids[0, i]) for i in inside}:
                table.weight[token] = 0
            at_zero = task.model(ids, mask)[0, column]
            table.weight.copy_(held)
        assert found.output == pytest.approx(float(at_text), abs=1e-5)
        assert found.baseline == pytest.approx(float(at_zero), abs=1e-5)
        total = sum(word.weight for word in found.words)
        assert abs(total - float(at_text - at_zero)) <= 0.01 * abs(float(at_text - at_zero)) + 1e-6
        assert [TEXT[w.start : w.end] for w in found.words] == ["a", "warm", "film", ",", "not", "dull"]
    assert attribute(task, TEXT).target == task.predict(TEXT).label


def test_attributions_of_a_linear_model_are_its_terms():
    """The logit of a mean of vectors: each token adds its own vector's product, whatever the path."""
    torch.manual_seed(1)
    tokenizer = words(TEXTS)
    model = build("bag", {"vocab_size": len(tokenizer.vocab), "classes": 2, "width": 7}).eval()
    task = Classifier(model, tokenizer, ["bad", "good"])
    ids = task.encode([TEXT])[0]
    found = attribute(task, TEXT, "good")
    with torch.no_grad():
        expected = [float(model.out.weight[1] @ model.embedding.weight[i]) / len(ids) for i in ids]
    assert [word.weight for word in found.words] == pytest.approx(expected, abs=1e-6)
    assert found.baseline == pytest.approx(model.out.bias[1].item(), abs=1e-6)


def test_attributions_of_a_square_are_an_integral_by_hand():
    """f = (x1 + 2 x2)^2 / 2 from zero: the integral of (x1 + 2 x2) a da is a half, times each term."""

    class Square(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Embedding(3, 1, padding_idx=0)
            self.embedding.weight.data[:] = torch.tensor([[5.0], [3.0], [-1.0]])

        def forward(self, ids, mask):
            return (self.embedding(ids)[..., 0] * torch.tensor([1.0, 2.0])).sum(1) ** 2 / 2

    found = integrated_gradients(Square(), [1, 2], lambda model, ids, mask: model(ids, mask))
    assert found.tokens.tolist() == pytest.approx([(3 - 2) * 3 / 2, (3 - 2) * -2 / 2])
    assert (found.output, found.baseline) == (0.5, 0.0)


def test_similarity_is_divided_among_the_words_and_the_model_is_unchanged():
    torch.manual_seed(1)
    tokenizer = wordpiece(TEXTS * 3, 45).with_template()
    model = build("bert", {"vocab_size": len(tokenizer.vocab), "width": 6, "heads": 3}).eval()
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.3)
    task = Embedder(model, tokenizer, normalize=True)
    before = task.encode(TEXTS)
    found = attribute_similarity(task, TEXTS[0], TEXTS[2])
    assert found.output == pytest.approx(float(before[0] @ before[2]), abs=1e-5)
    assert sum(w.weight for w in found.words) == pytest.approx(found.output - found.baseline, rel=0.01, abs=1e-6)
    assert np.array_equal(task.encode(TEXTS), before)
    assert all(p.grad is None for p in model.parameters())
    with pytest.raises(UserError, match="gives no logits to attribute; of two texts, see attribute_similarity"):
        attribute(task, TEXT)


def test_what_has_no_vectors_of_tokens_is_refused():
    tokenizer = words(TEXTS)
    model = build("ngrams", {"vocab_size": len(tokenizer.vocab), "classes": 2, "buckets": 64})
    task = Classifier(model, tokenizer, ["bad", "good"])
    with pytest.raises(UserError, match="NGrams has no vectors of tokens, along which gradients could be integrated"):
        attribute(task, TEXT)
    task = classifier("bag")
    with pytest.raises(UserError, match=r"unknown label 'dwn'; did you mean 'down'"):
        attribute(task, TEXT, "dwn")
    with pytest.raises(UserError, match="a text without words has nothing to attribute"):
        attribute(task, "")
    twice = build("textcnn", {"vocab_size": 60, "classes": 3, **SIZES["textcnn"], "multichannel": True}).eval()
    torch.nn.init.normal_(twice.frozen.weight)
    with pytest.raises(UserError, match="TextCNN reads its tokens in another way than by `embedding` alone"):
        attribute(Classifier(twice, task.tokenizer, task.labels), TEXT)


def test_occlusion_leaves_out_whole_words_and_keeps_special_tokens():
    task = classifier("bert")
    task.max_length = None
    text = "an unwatchable film"
    found = deciding_words(task, text, "down")
    assert [text[w.start : w.end] for w in found] == text.split()
    ids = task.encode([text])[0]
    assert len(ids) > 3 + 2, "a word must have pieces"
    pieces = [task.tokenizer.library.encode(word, add_special_tokens=False).ids for word in text.split()]
    cls, sep = ids[0], ids[-1]
    for i, word in enumerate(found):
        rest = [token for j, each in enumerate(pieces) if j != i for token in each]
        with torch.no_grad():
            rows = (torch.tensor([row]) for row in (ids, [cls, *rest, sep]))
            whole, part = (task.model(row, torch.ones_like(row, dtype=torch.bool)).softmax(-1)[0, 0] for row in rows)
        assert word.weight == pytest.approx(float(whole - part), abs=1e-6)


PAIR = ("a warm film", "an unwatchable film , dull")


def pair_classifier(types):
    """A classifier of pairs; types: whether its encoder is told which text a token is of."""
    torch.manual_seed(1)
    tokenizer = wordpiece(TEXTS * 3, 45).with_template()
    family = "bert" if types else "distilbert"
    encoder = build(ENCODERS[family]["model_type"], {**ENCODERS[family], "vocab_size": len(tokenizer.vocab)})
    model = EncoderClassifier(encoder, 3)
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.3)
    return Classifier(model.eval(), tokenizer, ["down", "flat", "up"], max_length=31, text_pair=True)


@pytest.mark.parametrize("types", [True, False])
def test_the_words_of_both_texts_of_a_pair_sum_to_the_difference_of_the_logits(types):
    task = pair_classifier(types)
    found = attribute(task, PAIR, "up")
    row = task.tokenizer.encode_pair(*PAIR, 31)
    ids, kinds = torch.tensor([row.ids]), torch.tensor([row.token_types])
    mask, special = torch.ones_like(ids, dtype=torch.bool), {row.ids[0], row.ids[-1]}
    assert len(special) == 2
    assert row.token_types.count(1) > 3
    table = task.model.encoder.embedding
    with torch.no_grad():
        at_pair = float(task.model(ids, mask, kinds)[0, 2])
        for token in set(row.ids) - special:
            table.weight[token] = 0
        at_zero = float(task.model(ids, mask, kinds)[0, 2])
    assert (found.output, found.baseline) == (pytest.approx(at_pair, abs=1e-5), pytest.approx(at_zero, abs=1e-5))
    assert abs(sum(word.weight for word in found.words) - (at_pair - at_zero)) <= 0.01 * abs(at_pair - at_zero) + 1e-6
    assert [(w.side, PAIR[w.side][w.start : w.end]) for w in found.words] == [
        *((0, word) for word in PAIR[0].split()),
        *((1, word) for word in PAIR[1].split()),
    ]
    assert attribute(task, "\t".join(PAIR), "flat").words == attribute(task, PAIR, "flat").words
    with pytest.raises(UserError, match="a pair is two texts, not"):
        attribute(task, "one text")


def flat(words):
    return [*chain.from_iterable(words)]


@pytest.mark.parametrize("types", [True, False])
def test_occlusion_leaves_a_word_of_one_of_two_texts_out(types):
    task = pair_classifier(types)
    row = task.tokenizer.encode_pair(*PAIR, 31)
    pieces = [[task.tokenizer.library.encode(w, add_special_tokens=False).ids for w in text.split()] for text in PAIR]
    cls, sep = row.ids[0], row.ids[-1]
    assert row.ids == [cls, *flat(pieces[0]), sep, *flat(pieces[1]), sep]

    def probability(first, second):
        ids = torch.tensor([[cls, *flat(first), sep, *flat(second), sep]])
        kinds = torch.tensor([[0] * (len(flat(first)) + 2) + [1] * (len(flat(second)) + 1)])
        with torch.no_grad():
            return float(task.model(ids, torch.ones_like(ids, dtype=torch.bool), kinds).softmax(-1)[0, 1])

    found = deciding_words(task, PAIR, "flat")
    whole, places = probability(*pieces), [(side, i) for side in (0, 1) for i in range(len(pieces[side]))]
    assert len(found) == len(places) == 8
    for word, (side, i) in zip(found, places, strict=True):
        rest = [[p for j, p in enumerate(of) if (at, j) != (side, i)] for at, of in enumerate(pieces)]
        assert word.side == side
        assert word.weight == pytest.approx(whole - probability(*rest), abs=1e-6)
    said = task.explain(task.predict(PAIR))
    assert len(said) == 5
    assert {word for word, _ in said} <= {*PAIR[0].split(), *PAIR[1].split()}
