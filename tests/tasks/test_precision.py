"""Precisions of tasks on an encoder: float32 as ever, others near it, `auto` only where it is equal, and refusals."""

import pytest
import torch

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.cli.app import app
from lingon.core.errors import UserError
from lingon.data.examples import Examples
from lingon.data.questions import Answer, Question
from lingon.data.tagged_sentences import TaggedSentence, TaggedSentences
from lingon.data.text_pairs import ScoredPairs
from lingon.data.tokenizers import words
from lingon.models.registry import build
from lingon.tasks import precision
from lingon.tasks.answer import Answerer
from lingon.tasks.classify import Classifier
from lingon.tasks.embed import Embedder
from lingon.tasks.language_model import LanguageModel
from lingon.tasks.parse import Parser
from lingon.tasks.tag import Tagger

TEXTS = ["a warm film", "dull", "a film about a dull and warm day", "warm and dull"]
SIZES = {"width": 16, "heads": 2, "depth": 2, "context_length": 32}
SENTENCES = [text.split() for text in TEXTS]


def made(name, **more):
    """A model with weights of some size, so that another precision gives other numbers; and its tokenizer."""
    torch.manual_seed(3)
    tokenizer = words(TEXTS)
    model = build(name, {"vocab_size": len(tokenizer.vocab), **SIZES, **more}).eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight.data, std=0.2)
    return model, tokenizer


def tagger():
    return Tagger(*made("encoder_tagger", tags=2), ["A", "B"])


def answerer():
    return Answerer(*made("encoder_answerer"), max_length=32, doc_stride=4)


def classifier():
    return Classifier(*made("encoder", classes=3), ["x", "y", "z"])


TAGGED = TaggedSentences([TaggedSentence(tuple(s), ("A",) * len(s)) for s in SENTENCES])
QUESTIONS = [Question(str(i), "a film about a day", text, (Answer("day", 15),)) for i, text in enumerate(TEXTS)]
# Of each task: how it is made, the numbers of its predictions, examples, and a metric that any change of numbers moves.
TASKS = {
    "classify": (
        classifier,
        lambda task: torch.tensor([list(one.probabilities.values()) for one in task.predict(TEXTS)]),
        Examples(TEXTS, ["x", "y", "z", "x"]),
        "loss",
    ),
    "tag": (tagger, lambda task: task.decoded(SENTENCES, sure=True).log_probabilities, TAGGED, "loss"),
    "parse": (
        lambda: Parser(*made("encoder_parser", classes=2, arc_width=8, relation_width=5), ["dep", "root"]),
        lambda task: torch.tensor([p for one in task.decoded(SENTENCES) for p in one.probabilities]),
        None,
        None,
    ),
    "answer": (
        answerer,
        lambda task: torch.tensor([one.probability for one in task.predict([(t, TEXTS[2]) for t in TEXTS])]),
        QUESTIONS,
        "loss",
    ),
    "embed": (
        lambda: Embedder(*made("bert"), normalize=True),
        lambda task: torch.from_numpy(task.encode(TEXTS)),
        ScoredPairs(TEXTS, [*TEXTS[1:], TEXTS[0]], [1.0, 0.5, 0.3, 0.1]),
        "pearson",
    ),
}


@pytest.mark.parametrize("name", TASKS)
def test_each_task_predicts_and_evaluates_in_each_precision(name):
    make, numbers, examples, metric = TASKS[name]
    task = make()
    exact, kept = numbers(task), {key: value.clone() for key, value in task.model.state_dict().items()}
    assert torch.equal(numbers(task.with_precision("float32")), exact)
    for chosen, apart in (("bfloat16", 0.1), ("int8", 0.1)):
        other = task.with_precision(chosen)
        difference = (numbers(other) - exact).abs().max().item()
        assert 0 < difference < apart, chosen
        if metric:
            assert 0 < abs(other.evaluate(examples)[metric] - task.evaluate(examples)[metric]) < apart, chosen
    assert torch.equal(numbers(task), exact)
    assert all(torch.equal(value, kept[key]) for key, value in task.model.state_dict().items())


@pytest.mark.parametrize("name", TASKS)
def test_auto_is_bfloat16_only_where_it_is_there_and_gives_equal_vectors(name, monkeypatch):
    make, numbers, _, _ = TASKS[name]
    task = make()
    exact, half = numbers(task), numbers(task.with_precision("bfloat16"))
    for there, equal, wanted in ((True, 0.99, half), (True, 1.1, exact), (False, 0.99, exact)):
        monkeypatch.setattr(precision, "has_bfloat16", lambda there=there: there)
        monkeypatch.setattr(precision, "EQUAL", equal)
        assert numbers(task.with_precision("auto")) == pytest.approx(wanted, abs=1e-6)


def test_vectors_are_equal_up_to_the_cosine_that_is_said(monkeypatch):
    monkeypatch.setattr(precision, "has_bfloat16", lambda: True)
    exact, turned = torch.tensor([[1.0, 0], [0, 0]]), lambda by: torch.tensor([[1, torch.tensor(by).tan()], [0, 0]])
    for by, wanted in ((0.01, "bfloat16"), (0.02, "float32")):  # cos 0.01 = 0.99995, cos 0.02 = 0.9998
        found = {"float32": exact, "bfloat16": turned(by)}
        monkeypatch.setattr(precision.Inference, "_vectors_of", lambda self, name, ids, found=found: found[name])
        assert tagger().with_precision("auto").inference.view([[1], [2]]).precision == wanted


def test_a_precision_that_is_not_there_or_has_nothing_to_act_on_is_refused(tmp_path, capsys):
    with pytest.raises(UserError, match="unknown precision 'int4'"):
        tagger().with_precision("int4")
    torch.manual_seed(1)
    tokenizer = words(TEXTS)
    bag = Classifier(
        build("bag", {"vocab_size": len(tokenizer.vocab), "classes": 2, "width": 7}), tokenizer, ["x", "y"]
    )
    with pytest.raises(
        UserError, match=r"precision is 'int8', which is for models on an encoder, .*; BagOfVectors has none"
    ):
        bag.with_precision("int8")
    gpt = build("gpt", {"vocab_size": len(tokenizer.vocab), "width": 8, "heads": 2})
    save_bundle(LanguageModel(gpt.eval(), tokenizer), "gpt", tmp_path / "gpt", run={})
    with pytest.raises(UserError, match=r"is a language model; --precision is for classifiers and .*taggers"):
        app(["predict", str(tmp_path / "gpt"), "a", "--precision", "int8"], standalone_mode=False)


def test_the_commands_take_a_precision(tmp_path, capsys):
    save_bundle(classifier(), "encoder", tmp_path / "bundle", run={})
    task = lingon.load(tmp_path / "bundle").with_precision("int8")
    app(["predict", str(tmp_path / "bundle"), TEXTS[0], "--precision", "int8"], standalone_mode=False)
    assert capsys.readouterr().out == f"{task.predict(TEXTS[0])}\n"
    table = tmp_path / "table.csv"
    table.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in zip(TEXTS, "xyzx", strict=True)))
    given = [str(tmp_path / "bundle"), "--data", str(table), "--json"]
    found = {}
    for chosen in ("float32", "int8"):
        app(["evaluate", *given, "--precision", chosen], standalone_mode=False)
        found[chosen] = capsys.readouterr().out
    assert found["float32"] != found["int8"]
    app(["evaluate", *given], standalone_mode=False)
    assert capsys.readouterr().out == found["float32"]
    save_bundle(answerer(), "encoder_answerer", tmp_path / "answerer", run={})
    (tmp_path / "passage.txt").write_text(TEXTS[2])
    asked = [
        "ask",
        str(tmp_path / "answerer"),
        TEXTS[0],
        "--context",
        str(tmp_path / "passage.txt"),
        "--format",
        "jsonl",
    ]
    app([*asked, "--precision", "bfloat16"], standalone_mode=False)
    half = lingon.load(tmp_path / "answerer").with_precision("bfloat16").predict((TEXTS[0], TEXTS[2]))
    assert f'"probability": {half.probability}' in capsys.readouterr().out.replace('":', '": ').replace('":  ', '": ')
