"""Rewriters that retrieve by vectors: the nearest by enumeration, bundles with the encoder, and training longer."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.core.errors import DataError, UserError
from lingon.data.examples import Examples, Splits
from lingon.data.tokenizers import words
from lingon.engine.world import World
from lingon.models.registry import build
from lingon.tasks.embed.embedder import Embedder
from lingon.tasks.pretrained import Pretrained
from lingon.tasks.rewrite import similar_vectors
from lingon.tasks.rewrite.rewriter import Rewriter
from lingon.tasks.rewrite.scoring import cosines
from lingon.tasks.rewrite.settings import Settings
from lingon.tasks.rewrite.similar_contents import SimilarContents
from lingon.tasks.rewrite.similar_vectors import SimilarVectors
from lingon.tasks.training import TrainContext
from tests.tasks.made_rewriter import BAD, GOOD, NAMES, made_rewriter
from tests.tasks.test_rewrite import FLAGS, run, write

TEXTS = ["the film is dull and slow", "a warm plot", "so it is"]


def embedder(texts=tuple(BAD + GOOD), seed=0):
    torch.manual_seed(seed)
    tokenizer = words(list(texts))
    sizes = {"vocab_size": len(tokenizer.vocab), "width": 8, "depth": 1, "heads": 2, "context_length": 32}
    return Embedder(build("bert", sizes).eval(), tokenizer)


def with_vectors(rewriter):
    judges = rewriter.style_classifier, rewriter.language_model
    generators = rewriter.generators
    return Rewriter(
        rewriter.corpus, generators.delete, generators.delete_retrieve, rewriter.tokenizer, *judges, embedder()
    )


@pytest.fixture(scope="module")
def rewriter():
    return with_vectors(made_rewriter())


def test_the_nearest_is_that_of_all_cosines_and_each_content_is_encoded_once():
    asked = []
    random = np.random.default_rng(0)
    vectors = {text: random.normal(size=5) for text in "abcdefg"}

    def encode(texts):
        asked.extend(texts)
        return np.stack([vectors[text] for text in texts])

    search = SimilarVectors([[text] for text in "abcdef"], encode)
    for query in "gab":
        rows = np.stack([vectors[text] for text in "abcdef"])
        by_hand = rows @ vectors[query] / np.linalg.norm(rows, axis=1)
        assert search.nearest([query]) == by_hand.argmax()
    assert sorted(asked) == sorted("abcdef" + "gab")


def test_those_that_share_most_words_are_compared(monkeypatch):
    monkeypatch.setattr(similar_vectors, "CANDIDATES", 2)
    contents = [["x", "y"], ["a", "b"], ["a", "c"], ["a", "b", "z"]]
    near = {"a b": [1.0, 0.1], "a b z": [1.0, 0.2], "x y": [0.9, 0.3]}  # of the query "b a": [1, 0.3]
    search = SimilarVectors(contents, lambda texts: np.array([near.get(text, [1.0, 0.3]) for text in texts]))
    assert search.nearest(["b", "a"]) == 3
    assert SimilarContents(contents).nearest(["b", "a"]) == 1


def test_a_bundle_holds_the_encoder_and_rewrites_and_judges_the_same(rewriter, tmp_path):
    assert rewriter.corpus.encode is not None
    names = NAMES | {"embedder": "bert"}
    found = lingon.load(save_bundle(rewriter, names, tmp_path / "r", {}))
    for system in ("retrieve", "template"):
        assert found.predict(TEXTS, system=system) == rewriter.predict(TEXTS, system=system)
    rewritten = [one.rewritten for one in found.predict(TEXTS, to="good", system="template")]
    scores = found.judges.scores(TEXTS, rewritten, ["good"] * len(TEXTS))
    assert scores["similarity"] == pytest.approx(cosines(embedder(), TEXTS, rewritten).mean(), abs=1e-5)
    config = json.loads((tmp_path / "r/config.json").read_text())
    for wrong, message in (
        ({"embedder": None}, "key 'embedder' and the part of that name go together"),
        ({"parts": config["parts"] | {"../../a": config["parts"]["embedder"]}}, r"unknown part '\.\./\.\./a'"),
        ({"embedder": {"pooling": "first"}}, "key 'pooling' is 'first'"),
    ):
        (tmp_path / "r/config.json").write_text(json.dumps(config | wrong))
        with pytest.raises(DataError, match=message):
            lingon.load(tmp_path / "r")


def test_vectors_decide_what_is_retrieved():
    """Vectors that say how long a text is: the content of the nearest length is retrieved, whatever its words."""
    corpus = made_rewriter().corpus
    content = corpus.content(["the", "film"], "bad")
    assert corpus.retrieve(content, "good").words == ("the", "film", "is", "and")
    lengths = replace(corpus, encode=lambda texts: np.array([[len(text), 1.0] for text in texts]))
    wanted = {"the plot is", "a film and a cast", "the film is and", "so it is"}
    assert {" ".join(one.words) for one in lengths.contents["good"]} == wanted
    assert " ".join(lengths.retrieve(content, "good").words) == "so it is"


def started(source, **given):
    """The settings of a training that starts from a loaded task."""
    return Settings(from_="r", **given).checked().started(Pretrained("r", lambda: source))


def context(tmp_path, source=None, load=None):
    pretrained = None if source is None else Pretrained("r", lambda: source)
    return TrainContext(tmp_path, World(0, 1), torch.device("cpu"), lambda *given: ([], None), pretrained, load)


def data(count=30, long=False):
    """As many sentences of each style, training and test the same."""
    more = " ".join("abcdefghijklmnopqrstuvwxyz" * 2) if long else ""
    pairs = [(f"{text} {more} {number}", label) for number in range(count // 6)
             for texts, label in ((BAD, "bad"), (GOOD, "good")) for text in texts[::2]]  # fmt: skip
    examples = Examples([text for text, _ in pairs], [label for _, label in pairs])
    return Splits(examples, examples, examples, "made")


def test_a_training_that_starts_from_a_rewriter_has_its_weights_and_its_tokenizer(tmp_path):
    source = made_rewriter()
    settings = started(source).filled(data())
    assert (settings.model, settings.width, settings.lr) == ("transformer", None, 5e-4)
    task = Rewriter.prepare(data(), settings, context(tmp_path, source)).task
    assert list(task.tokenizer.vocab) == list(source.tokenizer.vocab)
    for name, tensor in source.generators.state_dict().items():
        assert torch.equal(task.generators.state_dict()[name], tensor)
    assert all(p.requires_grad for p in task.generators.parameters())
    assert task.corpus.sentences != source.corpus.sentences
    with pytest.raises(
        UserError, match=r"a training sentence has \d+ tokens, the generators of --from r write at most 39"
    ):
        Rewriter.prepare(data(long=True), replace(settings, max_length=99), context(tmp_path, source))


NOT_STARTED = {
    "another task": (embedder, {}, "--from r is .* encoder.*; expected a rewriter, as lingon train rewrite leaves one"),
    "a size": (made_rewriter, {"width": 9}, "--width is 9, but --from r brings its model and its tokenizer"),
    "lora": (
        made_rewriter,
        {"tuning": "lora"},
        "--tuning is lora, but both generators .* are trained whole",
    ),
    "a head": (made_rewriter, {"head_lr": 0.1}, "--head-lr is 0.1, but a rewriter has no head of its own"),
}


@pytest.mark.parametrize("name", NOT_STARTED)
def test_what_cannot_be_started_from_is_told(name):
    make, given, message = NOT_STARTED[name]
    with pytest.raises(UserError, match=message):
        started(make(), **given)


def test_what_gives_no_vectors_is_refused(tmp_path):
    settings = Settings(retrieve_by="r", tokenizer="words", width=8).checked().filled()
    with pytest.raises(UserError, match="--retrieve-by r is a rewriter; expected an encoder of texts, as minilm-l6"):
        Rewriter.prepare(data(), settings, context(tmp_path, load=lambda name: made_rewriter()))
    training = Rewriter.prepare(data(), settings, context(tmp_path, load=lambda name: embedder()))
    assert training.models["embedder"] == "bert"
    assert training.task.corpus.encode is not None


@pytest.mark.long
def test_it_is_trained_with_vectors_and_then_longer(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    texts = write(tmp_path / "two.csv", ["bad", "good"], count=100).read_text()
    save_bundle(embedder(texts.split("\n")), "bert", tmp_path / "encoder", {})
    flags = ("train", "rewrite", "--data", "two.csv", "--steps", 1, "--evals", 1, "--device", "cpu")
    said = run(capsys, *flags, *FLAGS[:6], "--retrieve-by", "encoder", "--out", "r")
    assert "similarity" in said.out
    first = lingon.load("r")
    assert first.corpus.encode is not None
    run(capsys, *flags, "--from", "r", "--lr", 1e-12, "--weight-decay", 0, "--out", "longer")
    longer = lingon.load("longer")
    assert longer.embedder is None
    asked = ("evaluate", "longer", "--data", "two.csv", "--json")
    assert "similarity" not in run(capsys, *asked).out
    assert -1 <= json.loads(run(capsys, *asked, "--encoder", "encoder").out)["similarity"] <= 1
    for name, tensor in first.generators.state_dict().items():
        torch.testing.assert_close(longer.generators.state_dict()[name], tensor, atol=1e-6, rtol=0)
    arguments = json.loads((tmp_path / "longer/run.json").read_text())["arguments"]
    assert (arguments["from_"], arguments["width"]) == ("r", None)


def test_an_encoder_that_is_named_compares_sentences_and_retrieves_none(tmp_path, monkeypatch, capsys):
    rewriter, examples = made_rewriter(), Examples(TEXTS, ["bad"] * len(TEXTS))
    scores = rewriter.with_encoder(embedder(seed=3)).evaluate(examples)
    rewritten = [one.rewritten for one in rewriter.rewrite(TEXTS, examples.labels)]
    assert scores["similarity"] == pytest.approx(cosines(embedder(seed=3), TEXTS, rewritten).mean(), abs=1e-5)
    assert "similarity" not in rewriter.evaluate(examples)
    monkeypatch.chdir(tmp_path)
    save_bundle(embedder(), "bert", tmp_path / "encoder", {})
    write(tmp_path / "two.csv", ["bad", "good"], count=3)
    with pytest.raises(UserError, match="'encoder' is an encoder; --encoder is for rewriters"):
        run(capsys, "evaluate", "encoder", "--data", "two.csv", "--encoder", "encoder")
    with pytest.raises(
        UserError, match="--encoder is for one rewriter; it is not available when two models are compared"
    ):
        run(capsys, "evaluate", "encoder", "encoder", "--data", "two.csv", "--encoder", "encoder")
