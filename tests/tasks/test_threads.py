"""Predicting, evaluating and generating never change what others see of a model, not even of one that trains."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
import torch
from torch import nn

from lingon.core.eval_view import eval_view, shallow_copy
from lingon.data.batches import contiguous_batches, shuffled_windows
from lingon.data.examples import Examples
from lingon.data.tokenizers import spaces, words
from lingon.engine.fit import TrainConfig, fit
from lingon.models.registry import build
from lingon.tasks.classify import Classifier
from lingon.tasks.classify.saliency import deciding_words
from lingon.tasks.language_model import LanguageModel
from lingon.tasks.language_model.objective import Objective, carried_loss, fresh_loss, likelihood, recurrent

THREADS, STEPS = 8, 40
TEXTS = ["good film", "bad film , very bad", "an average story", "good good good fun", "dull", "bad"] * 5
LABELS = ["up", "down", "flat", "up", "down", "down"] * 5
SIZES = {
    "ngrams": {"buckets": 64},
    "bag": {"width": 7, "dropout": 0.5},
    "textcnn": {"width": 7, "dropout": 0.5, "channels": 5},
    "bilstm": {"width": 7, "hidden": 5, "dropout": 0.5},
    "self_attentive": {"width": 7, "hidden": 5, "dropout": 0.5},
}
LANGUAGE = {
    "gpt": {"width": 12, "depth": 2, "heads": 3, "context_length": 23, "dropout": 0.5},
    "decoder": {"width": 12, "depth": 2, "heads": 3, "kv_heads": 1, "context_length": 23, "dropout": 0.5},
    "lstm": {"width": 7, "hidden": 7, "depth": 2, "dropout": 0.5},
    "awd_lstm": {"width": 7, "hidden": 11, "depth": 2, "weight_dropout": 0.5},
}


class Still(torch.optim.SGD):
    """An optimizer that leaves the weights as they are, so that right answers are known while a model trains."""

    def __init__(self, model: nn.Module):
        super().__init__(model.parameters(), lr=0.0)


def losses(model, batches, loss) -> list[float]:
    torch.manual_seed(1)
    history = fit(model, batches, loss, Still(model), config=TrainConfig(steps=STEPS, log_every=1))
    return [row["loss"] for row in history.rows]


def meanwhile(ask, train):
    """What eight threads are answered, again and again, while `train` runs; and what that gives."""
    done, started = Event(), Event()

    def asking():
        answers = []
        while not (answers and done.is_set()):
            answers.append(ask())
            started.set()
        return answers

    with ThreadPoolExecutor(THREADS) as pool:
        futures = [pool.submit(asking) for _ in range(THREADS)]
        started.wait()
        try:
            trained = train()
        finally:
            done.set()
        return [answer for future in futures for answer in future.result()], trained


@pytest.mark.parametrize("name", SIZES)
def test_a_classifier_that_trains_can_be_asked(name):
    torch.manual_seed(3)
    tokenizer = words(TEXTS)
    model = build(name, {"vocab_size": len(tokenizer.vocab), "classes": 3, **SIZES[name]}).eval()
    if name == "ngrams":
        nn.init.normal_(model.table)
    task, examples = Classifier(model, tokenizer, ["down", "flat", "up"]), Examples(TEXTS, LABELS)
    train = lambda: losses(model, task.batches(examples, max_tokens=64), task.loss)

    def ask():
        return task.logits(TEXTS[:6]), task.evaluate(examples), deciding_words(task, TEXTS[1], "down")

    expected, alone = ask(), train()
    model.eval()
    answers, together = meanwhile(ask, train)
    assert together == alone, "the training is what it is when nobody asks: the same dropout at every step"
    assert model.training, "nobody has turned the mode of training off"
    for logits, scores, weights in answers:
        assert torch.equal(logits, expected[0])
        assert scores == expected[1]
        assert weights == expected[2]


@pytest.mark.parametrize("name", LANGUAGE)
def test_a_language_model_that_trains_can_be_asked(name):
    torch.manual_seed(3)
    tokenizer = spaces(["the cat sat on the mat and a dog ran to it"])
    model = build(name, {"vocab_size": len(tokenizer.vocab), **LANGUAGE[name]}).eval()
    language, ids = LanguageModel(model, tokenizer), np.arange(200) * 7 % len(tokenizer.vocab)

    def train():
        batches = contiguous_batches(ids, 3, 5) if recurrent(model) else shuffled_windows(ids, 3, 5, 0)
        return losses(Objective(model), batches, carried_loss if recurrent(model) else fresh_loss)

    def ask():
        written = language.generate("the cat", max_new_tokens=5, temperature=0)
        return likelihood(model, ids[:40], 10).loss, written, language.logprobs("a dog ran")

    expected, alone = ask(), train()
    model.eval()
    answers, together = meanwhile(ask, train)
    assert together == alone
    assert model.training
    assert all(answer == expected for answer in answers)


def test_a_view_shares_weights_and_changes_no_mode():
    model = nn.Sequential(nn.Linear(3, 5), nn.ModuleList([nn.LSTM(5, 7), nn.Dropout(0.5)]))
    model[0].eval()
    view = eval_view(model)
    assert not any(part.training for part in view.modules())
    assert model.training
    assert not model[0].training
    assert model[1][1].training
    assert [p.data_ptr() for p in view.parameters()] == [p.data_ptr() for p in model.parameters()]
    assert list(view.state_dict()) == list(model.state_dict())
    with torch.no_grad():
        model[1][0].weight_hh_l0.fill_(0.25)
    x = torch.randn(2, 3, 5)
    assert torch.equal(view[1][0](x)[0], model[1][0](x)[0])


def test_a_part_that_stands_twice_is_copied_once_and_new_weights_stay_in_the_copy():
    part = nn.Linear(3, 3)
    model = nn.Sequential(part, part)
    copy = shallow_copy(model)
    assert copy[0] is copy[1]
    assert copy[0] is not part
    copy[0].weight = nn.Parameter(torch.zeros(3, 3))
    assert part.weight.any()


def test_compiled_and_wrapped_models_are_seen_through():
    model = nn.Linear(3, 5)
    compiled = torch.compile(model)
    assert type(eval_view(compiled)) is nn.Linear
    plain = lambda x: x
    assert eval_view(plain) is plain
