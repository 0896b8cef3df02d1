"""The classify task: ids in, labels out, whatever stands beside a text in its batch."""

import pytest
import torch
import torch.nn.functional as F

from lingon.core.errors import UserError
from lingon.data.examples import Examples
from lingon.data.tokenizers import characters, words
from lingon.engine.fit import TrainConfig, fit
from lingon.engine.optimizers import adamw
from lingon.models.bag_of_vectors import BagOfVectors
from lingon.models.self_attentive import SelfAttentive
from lingon.models.textcnn import TextCNN
from lingon.tasks.classify import Classifier, scores
from lingon.tasks.classify.saliency import attended_words, deciding_words

TEXTS = ["good film", "bad film , very bad", "an average story", "good good good fun", "dull", "bad"] * 5
LABELS = ["up", "down", "flat", "up", "down", "down"] * 5


def classifier(kind=BagOfVectors, **sizes) -> Classifier:
    torch.manual_seed(3)
    tokenizer = words(TEXTS)
    model = kind(len(tokenizer.vocab), 3, **({"width": 7} | sizes))
    return Classifier(model.eval(), tokenizer, ["down", "flat", "up"], max_length=11)


@pytest.mark.parametrize("kind", [BagOfVectors, TextCNN, SelfAttentive])
def test_bulk_predictions_equal_one_text_at_a_time(kind):
    found = classifier(kind)
    texts = [*TEXTS, "", "word " * 50, "\u4f60\u597d"]
    together = found.logits(texts)
    alone = torch.cat([found.logits([text]) for text in texts])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=1e-5)


def test_twenty_steps_lower_the_loss():
    found = classifier()
    examples = Examples(TEXTS, LABELS)
    before = found.evaluate(examples)["loss"]
    batches = found.batches(examples, max_tokens=64, seed=0)
    fit(found.model, batches, found.loss, adamw(found.model, 0.01), config=TrainConfig(steps=20))
    assert found.evaluate(examples)["loss"] < before


def test_the_penalty_of_a_model_is_part_of_its_loss():
    found = classifier(SelfAttentive)
    found.model.train()  # only then is there a penalty
    batch = next(iter(found.batches(Examples(TEXTS, LABELS), max_tokens=64)))
    torch.manual_seed(0)
    loss = found.loss(found.model, batch)
    torch.manual_seed(0)
    plain = F.cross_entropy(found.model(batch.ids, batch.mask), batch.labels)
    penalty = found.model.penalty()
    assert penalty > 0
    assert loss.count == len(batch.ids)
    torch.testing.assert_close(loss.total / loss.count, plain + penalty)


def test_max_length_cuts_what_the_model_reads():
    found = classifier()
    assert [len(ids) for ids in found.encode(["good " * 50, "good"])] == [11, 1]


def test_scores_by_hand():
    logits = torch.tensor([[0.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
    found = scores(logits, torch.tensor([0, 1, 1]))
    by_hand = torch.tensor([2.0, 1 + torch.tensor(-2.0).exp(), 1 + torch.tensor(3.0).exp()]).log().mean()
    assert found["loss"] == pytest.approx(by_hand.item())
    assert found["accuracy"] == pytest.approx(2 / 3)


def test_deciding_words_are_what_leaving_each_out_does():
    found = classifier()
    text = "good film , very bad"
    weights = deciding_words(found, text, "down")
    pieces = [text[w.start : w.end] for w in weights]
    assert pieces == ["good", "film", ",", "very", "bad"]
    full = found.predict(text).probabilities["down"]
    for i, weight in enumerate(weights):
        without = found.predict(" ".join(pieces[:i] + pieces[i + 1 :])).probabilities["down"]
        assert weight.weight == pytest.approx(full - without, abs=1e-6)


def test_attended_words_add_up_to_one():
    weights = attended_words(classifier(SelfAttentive), "good film , very bad")
    assert sum(w.weight for w in weights) == pytest.approx(1)
    assert attended_words(classifier(SelfAttentive), "") == []


def test_wrong_input_is_named():
    found = classifier()
    with pytest.raises(UserError, match="unknown label 'upp'; did you mean 'up'"):
        found.evaluate(Examples(["x"], ["upp"]))
    with pytest.raises(UserError, match="no texts"):
        found.evaluate(Examples([], []))
    with pytest.raises(UserError, match="two or more different labels"):
        Classifier(found.model, found.tokenizer, ["one"])
    assert found.predict([]) == []


def test_a_model_with_another_padding_than_the_tokenizer_is_refused():
    found = classifier()
    assert found.tokenizer.padding_idx == 0
    for wrong in (1, -1):
        model = BagOfVectors(len(found.tokenizer.vocab), 3, width=7, padding_idx=wrong)
        with pytest.raises(UserError, match=f"padding_idx of the model is {wrong}, the tokenizer has the id 0"):
            Classifier(model, found.tokenizer, ["down", "flat", "up"])
    bare = characters(TEXTS)
    if bare.padding_idx is None:
        with pytest.raises(UserError, match="the tokenizer has no padding token; make the model with -1"):
            Classifier(BagOfVectors(len(bare.vocab), 3), bare, ["down", "flat", "up"])
