"""Rewriting with a model: trained, saved, loaded and asked by the commands, from threads, and with bad input."""

import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import lingon
from lingon.cli.app import app
from lingon.core.errors import DataError, UserError
from lingon.data.examples import Examples
from lingon.metrics.translation import corpus_bleu
from lingon.models.registry import build
from lingon.tasks.language_model import LanguageModel
from lingon.tasks.rewrite.content import Content
from lingon.tasks.rewrite.encoding import RewriteEncoder
from lingon.tasks.rewrite.examples import best_and_worst
from lingon.tasks.rewrite.generate import generate
from lingon.tasks.rewrite.rewriter import SYSTEMS, Rewriter
from lingon.tasks.rewrite.scoring import Judges, harmonic_mean
from tests.tasks.made_rewriter import GOOD, made_rewriter

TEXTS = ["the film is dull and slow", "a warm plot", "so it is"]


@pytest.fixture(scope="module")
def rewriter():
    return made_rewriter()


def test_retrieve_and_template_by_hand(rewriter):
    (found,) = rewriter.rewrite(["the plot is dull"], ["bad"], "retrieve")
    assert (found.rewritten, found.deleted, found.markers) == ("the plot is warm", ("dull",), ("warm",))
    (found,) = rewriter.rewrite(["The Plot is so dull!"], ["bad"], "template")
    assert found.rewritten == "the plot is so warm !"
    assert (found.label, found.target, found.retrieved) == ("bad", "good", "the plot is warm")
    (found,) = rewriter.rewrite(["the plot"], ["bad"], "template")
    assert found.rewritten == "the plot warm"  # no marker is there to be replaced
    assert found.deleted == ()


def test_what_the_generators_read(rewriter):
    encoder, vocab = rewriter.encoder, rewriter.tokenizer.vocab
    content = Content.without(["the", "dull", "plot"], {1})
    words = {word: vocab[word] for word in ("the", "plot", "warm")}
    first = (encoder.ids["[style 2]"], words["the"], encoder.ids["[slot]"], words["plot"])
    assert encoder.delete(content, 1) == first
    assert encoder.delete_retrieve(content, [("warm",)], 1) == (*first, encoder.ids["[marker]"], words["warm"])
    assert encoder.target(["the", "plot"]) == [words["the"], words["plot"], encoder.end]
    assert encoder.words([words["the"], words["plot"], encoder.end]) == ["the", "plot"]


def test_a_special_token_that_is_typed_stays_text(rewriter):
    typed = rewriter.encoder.delete(Content(("[slot]", "plot")), 0)
    assert rewriter.encoder.ids["[slot]"] not in typed


def test_batches_hold_contents_markers_and_sentences(rewriter):
    examples = Examples(["the plot is dull", "the plot is warm"], ["bad", "good"])
    (batch,) = rewriter.batches(examples, max_tokens=999, shuffle=False, noise=0.0)
    rows = dict(zip(batch.index.tolist(), range(2), strict=True))
    encoder = rewriter.encoder
    for number, (text, word) in enumerate([("the plot is", "dull"), ("the plot is", "warm")]):
        row, content = rows[number], Content(tuple(text.split()), (3,), ((word,),))
        read = batch.delete_ids[row][batch.delete_mask[row]]
        assert tuple(read.tolist()) == encoder.delete(content, number)
        read = batch.retrieve_ids[row][batch.retrieve_mask[row]]
        assert tuple(read.tolist()) == encoder.delete_retrieve(content, [(word,)], number)
        assert batch.target_ids[row][batch.target_mask[row]].tolist() == encoder.target([*text.split(), word])


def test_the_loss_is_that_of_both_generators_row_by_row(rewriter):
    examples = Examples(["the plot is dull", "a warm film and a good cast"], ["bad", "good"])
    (batch,) = rewriter.batches(examples, max_tokens=999, shuffle=False, noise=0.0)
    found = rewriter.loss(rewriter.generators.eval(), batch)
    total, count = 0.0, 0
    for row in range(2):
        target = batch.target_ids[row][batch.target_mask[row]]
        read = torch.cat([torch.tensor([rewriter.encoder.start]), target[:-1]])
        for name in ("delete", "retrieve"):
            model = rewriter.parts["delete" if name == "delete" else "delete_retrieve"]
            ids = batch[f"{name}_ids"][row][batch[f"{name}_mask"][row]][None]
            logits = model.head(model(ids, torch.ones_like(ids, dtype=torch.bool), read[None]))[0]
            total += torch.nn.functional.cross_entropy(logits, target, reduction="sum").item()
        count += len(target)
    assert found.count == count
    assert found.total.item() == pytest.approx(total, rel=1e-4)
    assert rewriter.evaluator(examples)(rewriter.generators)["loss"] == pytest.approx(total / count, rel=1e-4)


def test_a_generator_learns_to_write_a_sentence_again():
    """Of a few sentences, which it must write word for word; greedy, by a loop of its own, and by the beam of one."""
    task = made_rewriter(width=32)
    examples = Examples(GOOD[:4], ["good"] * 4)
    (batch,) = task.batches(examples, max_tokens=9999, shuffle=False, noise=0.0)
    optimizer = torch.optim.Adam(task.generators.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        found = task.loss(task.generators.train(), batch)
        (found.total / found.count).backward()
        optimizer.step()
    task.generators.eval()
    encoder, model = task.encoder, task.generators.delete
    sources = [encoder.delete(task.corpus.content(text.split(), "good"), 1) for text in GOOD[:4]]
    assert generate(model, encoder, sources) == [text.split() for text in GOOD[:4]]
    source = sources[0]
    (written,) = generate(model, encoder, [source], beams=1)
    ids = [encoder.start]
    while ids[-1] != encoder.end:
        source_ids = torch.tensor([source])
        hidden = model(source_ids, torch.ones_like(source_ids, dtype=torch.bool), torch.tensor([ids]))
        ids.append(int(model.head(hidden[0, -1]).argmax()))
    assert written == encoder.words(ids[1:]) == GOOD[0].split()


@pytest.mark.parametrize("system", SYSTEMS)
def test_eight_threads_predict_what_one_does(rewriter, system):
    wanted = rewriter.predict(TEXTS, system=system)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: rewriter.predict(TEXTS, system=system), range(8)))
    assert all(each == wanted for each in found)
    assert [one.text for one in wanted] == TEXTS
    assert rewriter.predict(TEXTS[0], system=system) == wanted[0]
    assert rewriter.predict([]) == []


def test_the_target_is_the_style_that_the_sentence_does_not_have(rewriter):
    found = rewriter.predict(["the film is dull and slow", "a warm and good film"], system="template")
    assert [one.target for one in found] == ["good", "bad"]
    assert [one.target for one in rewriter.predict(TEXTS, to="bad", system="template")] == ["bad"] * 3


class Sure:
    """A classifier that finds the word good, a language model of one perplexity, and vectors of lengths."""

    def predict(self, texts):
        return [type("Found", (), {"label": "good" if "good" in text else "bad"}) for text in texts]

    def evaluate(self, texts):
        return {"perplexity": 7.0}

    def encode(self, texts):
        return [[1.0, float("good" in text)] for text in texts]


def test_scores_by_hand():
    judges = Judges(Sure(), Sure(), Sure())
    inputs, written = ["a dull film of his", "a bad plot of hers"], ["a good film of his", "a fine plot of hers"]
    found = judges.scores(inputs, written, ["good", "good"])
    assert found["style_accuracy"] == 0.5
    assert found["bleu"] == pytest.approx(corpus_bleu(written, inputs).value)
    assert found["harmonic_mean"] == pytest.approx(harmonic_mean(0.5, found["bleu"] / 100))
    assert found["similarity"] == pytest.approx((2**-0.5 + 1) / 2)
    assert found["perplexity"] == 7.0
    copied = judges.scores(inputs, inputs, ["good", "good"])
    assert (copied["style_accuracy"], copied["harmonic_mean"]) == (0.0, 0.0)
    assert copied["bleu"] == pytest.approx(100)


def test_evaluation_has_all_systems_and_the_input_copied(rewriter):
    examples = Examples(["the plot is dull", "a warm film"], ["bad", "good"])
    found = rewriter.evaluate(examples)
    table = found.tables["by_system"]
    assert [*table] == [*SYSTEMS, "copy"]
    assert found["harmonic_mean"] == table["delete-retrieve"]["harmonic_mean"]
    assert table["copy"]["bleu"] == pytest.approx(100)
    assert table["template"]["style_accuracy"] == 1.0
    assert found.main == "harmonic_mean"


def test_examples_are_the_best_and_the_worst_and_none_is_both(rewriter):
    examples = Examples(["the plot is dull", "a warm film", "the film"], ["bad", "good", "bad"])
    found = {"template": rewriter.rewrite(examples.texts, examples.labels, "template")}
    good, bad = best_and_worst(Sure(), examples.texts, found, 9)
    assert (len(good), len(bad)) == (1, 1)
    assert good[0].by_system["template"][1]
    assert good[0].text != bad[0].text
    assert json.loads(json.dumps(good[0].row()))["template"]["in_style"]


BAD = {
    "empty": (lambda r: r.predict([""]), "a sentence is empty"),
    "white space": (lambda r: r.predict([" \n"]), "a sentence is empty"),
    "no text": (lambda r: r.predict([3]), "a sentence is a str, not int"),
    "an unknown label": (lambda r: r.predict(TEXTS, to="goood"), "unknown label 'goood'; did you mean 'good'"),
    "an unknown system": (lambda r: r.predict(TEXTS, system="templates"), "unknown system 'templates'; did you mean"),
    "too long": (lambda r: r.predict(["film " * 90], to="good", system="delete"), "the generators read at most"),
    "no examples": (lambda r: r.evaluate(Examples([], [])), "there are no sentences to evaluate on"),
    "texts alone": (lambda r: r.evaluate(TEXTS), "evaluate takes Examples"),
    "a strange label": (lambda r: r.evaluate(Examples(["film"], ["x"])), "unknown label 'x'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(rewriter, name):
    act, message = BAD[name]
    with pytest.raises(UserError, match=message):
        act(rewriter)


def test_a_long_sentence_is_rewritten_by_the_systems_that_generate_nothing(rewriter):
    found = rewriter.predict("film " * 90 + "dull", to="good", system="template")
    assert found.rewritten == "film " * 90 + " ".join(found.markers)


def test_a_tokenizer_without_special_tokens_is_refused(rewriter):
    with pytest.raises(UserError, match=r"the tokenizer has no \[start\]"):
        RewriteEncoder(rewriter.style_classifier.tokenizer)


def run(capsys, *arguments):
    app([str(one) for one in arguments], standalone_mode=False)
    return capsys.readouterr()


def write(path, labels, count=160, words=("film", "plot", "cast", "score", "end", "play")):
    chance, kinds = random.Random(0), {"bad": ("dull", "bad", "cold"), "good": ("good", "warm", "fine")}
    rows = set()
    while len(rows) < count:
        label = chance.choice(labels)
        first, second = (chance.choice(words) for _ in range(2))
        marks = kinds.get(label, kinds["bad"])
        rows.add((f"the {first} of a {chance.choice(marks)} {second} is {chance.choice(marks)}", label))
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in sorted(rows)))
    return path


FLAGS = ("--width", 16, "--depth", 1, "--tokenizer", "words", "--evals", 1, "--device", "cpu")


def test_a_rewriter_is_trained_and_asked_from_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "two.csv", ["bad", "good"])
    said = run(capsys, "train", "rewrite", "--data", "two.csv", "--steps", 3, *FLAGS, "--out", "r")
    assert "style accuracy" in said.out
    assert "delete-retrieve" in said.out
    assert "try next: lingon predict r 'A sentence.'" in said.out
    facts = json.loads((tmp_path / "r/run.json").read_text())
    counts = facts["sentences"]
    assert counts["judges"] == pytest.approx(0.3 * (counts["judges"] + counts["rewriter"]), abs=2)
    found = lingon.load("r")
    assert isinstance(found, Rewriter)
    assert sum(map(len, found.corpus.sentences.values())) == counts["rewriter"]
    page = (tmp_path / "r/report.html").read_text()
    assert "Rewritten badly" in page
    assert "Strongest markers" in page
    text = "the film of a dull plot is cold"
    line = run(capsys, "predict", "r", text, "--to", "good", "--system", "template").out.strip()
    assert line == found.predict(text, to="good", system="template").rewritten
    row = json.loads(run(capsys, "predict", "r", text, "--system", "retrieve", "--format", "jsonl").out)
    assert row == found.predict(text, system="retrieve").row()
    (tmp_path / "in.csv").write_text(f"text\n{text}\n")
    run(capsys, "predict", "r", "--file", "in.csv", "--out", "out.jsonl", "--to", "good", "--system", "template")
    assert json.loads((tmp_path / "out.jsonl").read_text())["rewritten"] == line
    scores = run(capsys, "evaluate", "r", "--data", "two.csv", "--split", "test", "--json", "--page", "p.html")
    assert json.loads(scores.out)["by_system"].keys() == {*SYSTEMS, "copy"}
    assert "Rewritten well" in (tmp_path / "p.html").read_text()


WRONG = {
    "three labels": (["a", "b", "c"], (), "there are 3 labels .'a', 'b', 'c'.; a rewriter takes exactly two"),
    "one label": (["good"], (), "all 160 texts have the label 'good'; two labels or more"),
    "all too long": (["bad", "good"], ("--max-length", 3), "there are 0 training sentences of at most 3 words"),
    "no marker": (["bad", "good"], ("--threshold", 10_000), "no n-gram has a salience of 10000 or more"),
    "a low threshold": (["bad", "good"], ("--threshold", 1), "--threshold is 1; expected more than 1"),
    "no judges": (["bad", "good"], ("--judge-share", 0), "--judge-share is 0; expected a fraction"),
    "numbers": (["bad", "good"], ("--problem-type", "regression"), "regression|number"),
}


@pytest.mark.parametrize("name", WRONG)
def test_data_and_settings_that_cannot_be_are_refused(name, tmp_path, monkeypatch):
    labels, flags, message = WRONG[name]
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "data.csv", labels)
    with pytest.raises((UserError, DataError), match=message):
        app([str(one) for one in ("train", "rewrite", "--data", "data.csv", *FLAGS, *flags)], standalone_mode=False)
    assert not (tmp_path / "runs/rewrite/bundle").exists()


def test_options_of_a_rewriter_are_refused_by_other_tasks(tmp_path, monkeypatch):
    from lingon.checkpoints.bundle import save_bundle
    from lingon.data.tokenizers import words

    monkeypatch.chdir(tmp_path)
    tokenizer = words(GOOD)
    model = build("lstm", {"vocab_size": len(tokenizer.vocab), "width": 3, "hidden": 3})
    save_bundle(LanguageModel(model.eval(), tokenizer), "lstm", tmp_path / "lm", {"arguments": {}, "data": {}})
    with pytest.raises(UserError, match="'lm' is a language model; --system is for rewriters"):
        app(["predict", "lm", "film", "--system", "template"], standalone_mode=False)
