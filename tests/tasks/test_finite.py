"""Weights that are broken or immense give no answer at all: never NaN with a straight face."""

import math
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch

from lingon.checkpoints.bundle import save_bundle
from lingon.cli.app import app
from lingon.core.check_finite import check_finite
from lingon.core.errors import DataError, NotFinite, UserError
from lingon.data.corpora.questions import Pair
from lingon.data.examples import Examples, Splits
from lingon.data.tokenizers import spaces, words
from lingon.decoding.beam_params import BeamParams
from lingon.decoding.sampling_params import SamplingParams
from lingon.models.registry import build
from lingon.tasks.classify import Classifier
from lingon.tasks.classify.saliency import deciding_words
from lingon.tasks.language_model import LanguageModel
from lingon.word_vectors.queries import align, analogy, nearest, odd_one_out, self_similarity, similarity, weat
from lingon.word_vectors.queries.evaluate import evaluate_pairs
from lingon.word_vectors.word_vectors import WordVectors

TEXTS = ["good film", "bad film", "a story", "dull"]
BROKEN = "logits that are NaN|logits that are infinite|NaN or infinite"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def immense(model, value: float = 3e38):
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(value)
    return model.eval()


def classifier(value: float = 3e38) -> Classifier:
    tokenizer = words(TEXTS)
    model = build("bag", {"vocab_size": len(tokenizer.vocab), "classes": 2, "width": 7})
    return Classifier(immense(model, value), tokenizer, ["neg", "pos"])


def language(value: float = 3e38) -> LanguageModel:
    tokenizer = spaces(["the cat sat on the mat"])
    model = build("lstm", {"vocab_size": len(tokenizer.vocab), "width": 7, "hidden": 7, "depth": 1})
    return LanguageModel(immense(model, value), tokenizer)


@pytest.mark.parametrize("value", [3e38, math.nan, math.inf])
@pytest.mark.parametrize(
    "ask",
    [
        lambda task: task.predict("good film"),
        lambda task: list(task.stream(TEXTS)),
        lambda task: task.logits(TEXTS),
        lambda task: task.evaluate(Examples(TEXTS, ["pos", "neg", "pos", "neg"])),
        lambda task: deciding_words(task, TEXTS[0], "pos"),
    ],
)
def test_a_broken_classifier_answers_nothing(ask, value):
    with pytest.raises(NotFinite, match=BROKEN):
        ask(classifier(value))


@pytest.mark.parametrize(
    "ask",
    [
        lambda model: model.generate("the", max_new_tokens=3),
        lambda model: model.logprobs("the cat sat"),
        lambda model: model.score_tokens("the cat"),
        lambda model: model.beam_search("the", BeamParams(2, 3)),
        lambda model: list(model.contrastive("the", SamplingParams(max_new_tokens=3), 0.5)),
    ],
)
@pytest.mark.parametrize("broken", ["nan", "inf"])
def test_a_broken_language_model_answers_nothing(ask, broken):
    model = language(0.1)
    with torch.no_grad():
        model.model.output.bias.fill_(float(broken))
    with pytest.raises(NotFinite, match="NaN or infinite"):
        ask(model)


def test_watching_a_model_that_trains_gives_nan_and_no_error():
    task = classifier()
    found = task.evaluator(Examples(TEXTS, ["pos", "neg", "pos", "neg"]))(task.model)
    assert all(math.isnan(value) for value in found.values())


OWN = ("--x", "cat dog", "--y", "sun sea", "--a", "cat sun", "--b", "dog sea")
COMMANDS = [
    ("predict", "c", "good film"),
    ("predict", "c", "good film", "--format", "jsonl"),
    ("predict", "c", "good film", "--words"),
    ("evaluate", "c", "--data", "four.csv"),
    ("evaluate", "c", "--data", "four.csv", "--json"),
    ("export", "c", "--to", "torch"),
    ("export", "c", "--to", "program"),
    ("logprob", "l", "the cat"),
    ("logprob", "l", "the cat", "--json"),
    ("evaluate", "l", "--data", "tale.txt"),
    ("evaluate", "l", "--data", "tale.txt", "--cache"),
    ("generate", "l", "--prompt", "the"),
    ("vectors", "nearest", "cat", "--vectors", "v.txt"),
    ("vectors", "analogy", "cat", "dog", "sun", "--vectors", "v.txt"),
    ("vectors", "compare", "cat", "dog", "--vectors", "v.txt"),
    ("vectors", "odd-one-out", "cat", "dog", "sun", "--vectors", "v.txt"),
    ("vectors", "evaluate", "pairs.csv", "--vectors", "v.txt"),
    ("vectors", "map", "cat", "dog", "sun", "--vectors", "v.txt", "--projection", "pca"),
    ("vectors", "align", "v.txt", "v.txt"),
    (
        "vectors",
        "bias",
        "own",
        "--x",
        "cat dog",
        "--y",
        "sun sea",
        "--a",
        "cat sun",
        "--b",
        "dog sea",
        "--vectors",
        "v.txt",
    ),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_prints_nan_for_an_answer(folder, capsys, command):
    Path("four.csv").write_text(
        "text,label\n" + "".join(f"{t},{'pos' if i % 2 else 'neg'}\n" for i, t in enumerate(TEXTS))
    )
    Path("tale.txt").write_text("the cat sat on the mat\n" * 20)
    Path("v.txt").write_text("cat 3e38 3e38 1\ndog 3e38 1 -3e38\nsun 1 3e38 3e38\nsea -3e38 3e38 1\n")
    Path("pairs.csv").write_text("cat,dog,1\ncat,sun,2\ndog,sun,3\nsun,sea,4\n")
    broken = language(0.1)
    with torch.no_grad():
        broken.model.output.bias.fill_(math.nan)
    save_bundle(classifier(), "bag", folder / "c", {}), save_bundle(broken, "lstm", folder / "l", {})
    said = ""
    try:
        app(list(command), standalone_mode=False)
    except (NotFinite, DataError, UserError) as error:
        said = str(error).lower()
    # Cosines of immense numbers exist, and may be given.
    assert any(word in said for word in ("nan", "infinite", "immense")) or (not said and command[0] == "vectors")
    assert "nan" not in capsys.readouterr().out.lower()


NOTHING = np.array([[1.0, math.nan], [1, 2], [3, 1], [2, 5]], np.float32)


@pytest.mark.parametrize(
    "ask",
    [
        lambda v: nearest(v, ["dog"]),
        lambda v: analogy(v, "cat", "dog", "sun"),
        lambda v: similarity(v, "cat", "dog"),
        lambda v: odd_one_out(v, ["cat", "dog", "sun"]),
        lambda v: self_similarity(v, v),
        lambda v: align(v, v),
        lambda v: weat(v, ["cat", "dog"], ["sun", "sea"], ["cat", "sun"], ["dog", "sea"]),
        lambda v: evaluate_pairs(v, [Pair("cat", "dog", 1.0), Pair("dog", "sun", 2.0), Pair("sun", "sea", 3.0)]),
    ],
)
def test_vectors_with_nan_answer_nothing(ask):
    with pytest.raises(DataError, match="NaN"):
        ask(WordVectors(["cat", "dog", "sun", "sea"], NOTHING))


def test_finite_numbers_pass_and_others_are_named():
    values = torch.tensor([1.0, -3e38])
    assert check_finite(values, "x") is values
    with pytest.raises(NotFinite, match="the model gave logits that are infinite; its weights are broken"):
        check_finite(torch.tensor([1.0, -math.inf]), "the model gave logits")


def test_evaluate_says_what_it_wants():
    task, some = classifier(0.1), Examples(TEXTS, ["pos", "neg", "pos", "neg"])
    jaxtyping.config.update("jaxtyping_disable", True)  # users have no checks of types in signatures
    try:
        with pytest.raises(UserError, match=r"not Splits; give one part of it, such as splits\.test"):
            task.evaluate(Splits(some, some, some, "x"))
        for wrong in (TEXTS, np.zeros(3), None):
            with pytest.raises(
                UserError, match=f"evaluate takes Examples, texts with labels, not {type(wrong).__name__}"
            ):
                task.evaluate(wrong)
        with pytest.raises(UserError, match="no texts to evaluate on"):
            task.evaluate(Examples([], []))
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
