"""Answers: spans against enumeration, the loss by hand, probabilities that sum to one, no answer, and the commands."""

import io
import itertools
import json
import math
import random
import sys

import numpy as np
import pytest
import torch
from torch import nn

import lingon
from lingon.core.errors import DataError, NotFinite, UserError
from lingon.data.batches import Batch
from lingon.data.questions import Answer, Question
from lingon.data.tokenizers import words
from lingon.layers.losses import IGNORED
from lingon.models.registry import build
from lingon.tasks.answer import Answerer
from lingon.tasks.answer.answerer import Answerer as Same
from lingon.tasks.answer.best_answers import best_answers, distinct
from lingon.tasks.answer.objective import span_loss
from lingon.tasks.answer.report import answer_length, marked, question_word
from lingon.tasks.answer.spans import Span, WindowLogits, span_scores

TEXT = "ann has a cat in rome . bob has a dog in oslo . eve has a pen ."


def windows_of(seed, tokens, ranges):
    draw = np.random.default_rng(seed)
    return [
        WindowLogits(first, draw.normal(size=end - first), draw.normal(size=end - first), float(draw.normal()))
        for first, end in ranges
    ]


@pytest.mark.parametrize("longest", [1, 3, 50])
def test_scores_of_spans_are_those_of_enumeration(longest):
    windows = windows_of(3, 11, [(0, 5), (3, 8), (6, 11)])
    best = {}
    for first, starts, ends, _ in windows:
        for a, b in itertools.product(range(len(starts)), repeat=2):
            if a <= b < a + longest:
                span = (first + a, first + b)
                best[span] = max(best.get(span, -math.inf), starts[a] + ends[b])
    found = span_scores(windows, 11, longest)
    wanted = sorted(best.items(), key=lambda item: -item[1])
    ours = found.best(len(best) + 5)
    assert [(span.first, span.last) for span in ours] == [span for span, _ in wanted]
    assert [span.score for span in ours] == pytest.approx([score for _, score in wanted])
    assert found.best(2) == ours[:2]
    assert found.no_answer == min(window.no_answer for window in windows)
    total = sum(math.exp(score) for score in best.values())
    assert found.log_total(False) == pytest.approx(math.log(total))
    assert found.log_total(True) == pytest.approx(math.log(total + math.exp(found.no_answer)))


def test_white_space_is_no_answer_and_no_part_of_one():
    """Tokens of byte-level tokenizers hold the space before a word; of two spaces, the first is a token of its own."""
    text = "ann  has"
    offsets, draw = [(0, 3), (3, 4), (4, 8)], np.random.default_rng(5)
    scores = span_scores([WindowLogits(0, draw.normal(size=3), draw.normal(size=3), 0.0)], 3, 3)
    spans = {(0, 3): [(0, 0), (0, 1)], (5, 8): [(1, 2), (2, 2)], (0, 8): [(0, 2)]}
    best = {place: max(scores.scores[a, b - a] for a, b in some) for place, some in spans.items()}
    for top in (1, 2, 5):
        found = best_answers(Question("1", text, "who ?"), scores, offsets, top, None)
        assert [(one.start, one.end) for one in found] == sorted(best, key=lambda place: -best[place])[:top]
        assert [one.answer for one in found] == [text[one.start : one.end] for one in found]
    assert distinct([Span(1, 1, 2.0)], offsets, text) == []


def test_a_passage_without_a_token_has_no_span():
    empty = np.zeros(0)
    assert span_scores([WindowLogits(0, empty, empty, 0.5)], 0, 7).best(3) == []


def test_the_loss_is_the_mean_over_the_answers_by_hand():
    """Two windows of four tokens; the first has two answers, one of them twice."""
    torch.manual_seed(3)
    logits = torch.randn(2, 4, 2)
    starts, ends = torch.tensor([[2, 2, 3], [0, IGNORED, IGNORED]]), torch.tensor([[3, 3, 3], [0, IGNORED, IGNORED]])
    batch = Batch({"starts": starts, "ends": ends})
    p = logits.softmax(1)
    first = -(2 * (p[0, 2, 0].log() + p[0, 3, 1].log()) + p[0, 3, 0].log() + p[0, 3, 1].log()) / 6
    second = -(p[1, 0, 0].log() + p[1, 0, 1].log()) / 2
    found = span_loss(logits, batch)
    assert found.count == 2
    assert float(found.total) == pytest.approx(float(first + second))


class Fixed(nn.Module):
    """Logits by the id of each token, from a table: a model whose answers are known."""

    def __init__(self, table):
        super().__init__()
        self.table = nn.Parameter(torch.as_tensor(table, dtype=torch.float32))

    def forward(self, ids, mask, token_types=None):
        return self.table[ids]


def answerer(marks, threshold=None, max_length=64, stride=16, **more):
    """One that begins and ends answers at some words: by word, the logits of start and end."""
    tokenizer = words([TEXT + " where is who ?"] * 2).with_template()
    table = torch.zeros(len(tokenizer.vocab), 2)
    for word, logits in marks.items():
        i = tokenizer.encode("")[0] if word == "[CLS]" else tokenizer.without_special_tokens().encode(word)[0]
        table[i] = torch.tensor(logits)
    return Answerer(Fixed(table), tokenizer, max_length, stride, null_score_diff_threshold=threshold, **more)


def test_probabilities_are_those_of_a_softmax_over_all_spans():
    task = answerer({"cat": (2.0, 0.5), "rome": (0.3, 3.0), "[CLS]": (1.0, 1.5)}, threshold=50.0, max_answer_length=4)
    text = "ann has a cat in rome ."
    found = task.answers([("where is ann ?", text)], top=100)[0]
    tokens, score = text.split(), {"cat": (2.0, 0.5), "rome": (0.3, 3.0)}
    wanted = {"": 2.5}
    for a, b in itertools.product(range(7), repeat=2):
        if a <= b < a + 4:
            wanted[" ".join(tokens[a : b + 1])] = score.get(tokens[a], (0, 0))[0] + score.get(tokens[b], (0, 0))[1]
    total = sum(map(math.exp, wanted.values()))
    assert {one.answer: one.probability for one in found} == pytest.approx(
        {text: math.exp(value) / total for text, value in wanted.items()}
    )
    assert sum(one.probability for one in found) == pytest.approx(1)
    assert found[0].answer == "cat in rome"
    assert text[found[0].start : found[0].end] == "cat in rome"
    assert (found[-1].answer, found[-1].start) == ("", None)


@pytest.mark.parametrize(("threshold", "answer"), [(None, "cat"), (1.4, "cat"), (1.6, "cat"), (0.9, "")])
def test_no_answer_is_said_when_it_is_likelier_by_the_threshold(threshold, answer):
    # The best span has 2 + 2, no answer 2.5 + 2.5: it is likelier by 1.
    task = answerer({"cat": (2.0, 2.0), "[CLS]": (2.5, 2.5)}, threshold)
    assert task.predict(("who ?", "ann has a cat")).answer == answer


def test_windows_find_an_answer_far_in_a_long_passage():
    task = answerer({"dog": (5.0, 5.0), "cat": (1.0, 1.0)}, max_length=16, stride=5)
    text = "ann has a cat . " * 800 + "bob has a dog . " + "eve has a pen . " * 500  # 5,200 words
    found = task.predict(("who ?", text))
    assert (found.answer, found.start) == ("dog", text.index("dog"))
    assert found.probability > 0.1  # 5,000 times 3 or so other spans have exp(-8) or less of it each, 800 exp(-8)


def test_the_threshold_is_fitted_where_some_have_no_answer():
    task = answerer({"cat": (2.0, 2.0), "dog": (4.0, 4.0), "[CLS]": (2.5, 2.5)})
    told = Question("1", "bob has a dog", "who ?", (Answer("dog", 10),))
    untold = Question("2", "ann has a cat", "who ?", ())
    task.calibrate([told])
    assert task.null_score_diff_threshold is None
    task.calibrate([told, untold])
    assert task.null_score_diff_threshold == pytest.approx((1 - 3) / 2)
    found = task.evaluate([told, untold])
    assert (found["f1"], found["exact_match"], found.main) == (1, 1, "f1")
    assert found.tables["by_kind"]["no answer"] == {"exact_match": 1, "f1": 1, "questions": 1}
    assert "no answer: F1 1.0000, exact match 1.0000, 1 question" in found.details


def test_inputs_and_weights_that_cannot_be_meant_are_refused():
    task = answerer({"cat": (2.0, 2.0)})
    assert task.predict("who ?\tann has a cat") == task.predict([("who ?", "ann has a cat")])[0]
    with pytest.raises(UserError, match="a pair is two texts"):
        task.predict(["who ?"])
    with pytest.raises(UserError, match="no questions to evaluate on"):
        task.evaluate([])
    with pytest.raises(UserError, match=r"the second of .* is empty"):
        task.predict(("who ?", ""))
    with torch.no_grad():
        task.model.table[:] = math.nan
    with pytest.raises(NotFinite):
        task.predict(("who ?", "ann has a cat"))
    with pytest.raises(NotFinite):
        task.evaluate([Question("1", "ann has a cat", "who ?", (Answer("cat", 10),))])
    assert math.isnan(task.evaluator([Question("1", "a cat", "who ?", (Answer("cat", 2),))])(task.model)["f1"])
    config = task.config()
    for key, wrong in {
        "max_length": 3,
        "doc_stride": -1,
        "max_answer_length": 0,
        "null_score_diff_threshold": "x",
    }.items():
        with pytest.raises(DataError, match=f"key '{key}' is"):
            Answerer.check_config(config | {key: wrong}, {})
    small = build("encoder_answerer", {"vocab_size": 30, "width": 8, "heads": 2, "context_length": 20})
    with pytest.raises(UserError, match="max_length is 64, but the model reads 20 tokens at most"):
        Answerer(small, task.tokenizer, 64)


def test_questions_are_grouped_for_the_report():
    asked = {
        "Who sang?": "who",
        "In what year?": "what",
        "For how many years, and why?": "how many",
        "How is it?": "how",
        "Name a cat.": "other",
        "Whoever sang?": "other",
        "By whom?": "whom",
    }
    assert {text: question_word(Question("1", "", text)) for text in asked} == asked
    lengths = {"one": "1", "one two": "2 to 3", "a b c d": "4 to 7", "a b c d e f g h": "8 and more"}
    for text, name in lengths.items():
        assert answer_length(Question("1", "", "", (Answer("a b c d e f g h i", 0), Answer(text, 0)))) == name
    assert answer_length(Question("1", "", "")) == "no answer"
    question = Question("1", "ann has a cat", "who ?", (Answer("cat", 10),))
    found = answerer({"ann": (9.0, 9.0)}).predict(("who ?", "ann has a cat"))
    assert marked(found, question) == [("ann", -1.0), (" has a ", 0.0), ("cat", 1.0)]


def table(path, passages, answerable=True, seed=5):
    """Passages of three sentences, NAME has a THING, with a question each; and one that has no answer."""
    draw, lines = random.Random(seed), []
    for number in range(passages):
        names, things = (
            draw.sample(["ann", "bob", "eve", "kim"], 3),
            draw.sample(["cat", "dog", "pen", "cup", "hat"], 3),
        )
        text = " . ".join(f"{name} has a {thing}" for name, thing in zip(names, things, strict=True))
        for name, thing in zip(names, things, strict=True):
            answers = {"text": [thing], "answer_start": [text.index(f"{name} has a {thing}") + len(f"{name} has a ")]}
            row = {"id": f"{number}-{name}", "context": text, "question": f"what has {name}", "answers": answers}
            lines.append(json.dumps(row))
        if not answerable:
            none = {"text": [], "answer_start": []}
            lines.append(
                json.dumps({"id": f"{number}-x", "context": text, "question": "what has zoe", "answers": none})
            )
    path.write_text("\n".join(lines) + "\n")
    return path


SIZES = "--width 16 --depth 1 --set heads=2 --tokenizer words --max-length 24 --doc-stride 4 --lr 0.01 --device cpu"


def run(capsys, *arguments):
    from lingon.cli.app import app

    capsys.readouterr()
    app([str(one) for one in arguments], standalone_mode=False)
    return capsys.readouterr().out


def test_it_is_trained_asked_and_evaluated_from_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "mine.jsonl", 12, answerable=False)
    said = run(capsys, "train", "answer", "--data", "mine.jsonl", *SIZES.split(), "--epochs", 2, "--out", "run")
    assert "held-out texts: f1" in said
    assert "try next: lingon ask run --context" in said
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert (record["data"]["train"], record["data"]["valid"], record["data"]["test"]) == (40, 4, 4)
    assert set(record["by_kind"]) == {"has answer", "no answer"}
    page = (tmp_path / "run/report.html").read_text()
    assert "Scores by question word" in page
    assert all(
        part in page
        for part in ("Scores by length of the answer", "Most confident and wrong", "Most confident and right")
    )
    found = lingon.load("run")
    assert type(found) is Same
    again = json.loads(run(capsys, "evaluate", "run", "--data", "mine.jsonl", "--split", "test", "--json"))
    assert again["f1"] == pytest.approx(record["test"]["f1"])

    run(capsys, "evaluate", "run", "--data", "mine.jsonl", "--split", "test", "--page", "tested.html")
    page = (tmp_path / "tested.html").read_text()
    assert all(
        part in page for part in ("run: question answering", "Scores by question word", "Most confident and right")
    )

    (tmp_path / "passage.txt").write_text("ann has a cat .\nbob has a dog .\n")
    passage = (tmp_path / "passage.txt").read_text()
    wanted = found.answers([("what has ann", passage), ("what has bob", passage)], top=3)
    flags = ("ask", "run", "--context", "passage.txt", "what has ann", "what has bob", "--top", 3)
    rows = [json.loads(line) for line in run(capsys, *flags, "--format", "jsonl", "--page", "a.html").splitlines()]
    assert [(row["question"], row["answer"], row["rank"]) for row in rows] == [
        (one.question, one.answer, rank) for some in wanted for rank, one in enumerate(some, 1)
    ]
    best = next(one for one in wanted[0] if one.answer)
    marked = f"**{' '.join(best.answer.split())}**"
    assert marked in run(capsys, *flags)
    assert "<mark>" in (tmp_path / "a.html").read_text() or not wanted[0][0].answer
    lines = run(capsys, "predict", "run", "--file", "mine.jsonl", "--format", "jsonl").splitlines()
    table_rows = [json.loads(line) for line in (tmp_path / "mine.jsonl").read_text().splitlines()]
    asked = [(row["question"], row["context"]) for row in table_rows]
    assert [json.loads(line)["answer"] for line in lines] == [one.answer for one in found.predict(asked)]
    run(capsys, "predict", "run", "--file", "mine.jsonl", "--out", "out.jsonl")
    first = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert list(first) == ["id", "question", "context", "answer", "probability", "start", "end"]


def test_a_blank_question_gets_no_answer_and_that_is_told(tmp_path, monkeypatch, capsys):
    from lingon.cli import ask
    from lingon.cli.app import app

    (tmp_path / "passage.txt").write_text("ann has a cat .")
    monkeypatch.setattr(ask, "load_for", lambda *given: answerer({"cat": (9.0, 9.0)}))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"what has ann ?\n\nwho has a cat ?\n  \n")))
    app(["ask", "run", "--context", str(tmp_path / "passage.txt"), "--format", "jsonl"], standalone_mode=False)
    out, err = capsys.readouterr()
    assert [json.loads(line)["question"] for line in out.splitlines()] == ["what has ann ?", "who has a cat ?"]
    assert err == "question 2 is blank and gets no answer\nquestion 4 is blank and gets no answer\n"


def test_a_folder_or_its_index_is_asked_and_the_place_of_the_answer_is_told(tmp_path, monkeypatch, capsys):
    from lingon.cli import ask

    monkeypatch.chdir(tmp_path)
    task = answerer({"cat": (9.0, 9.0), "rome": (8.0, 8.0)})
    monkeypatch.setattr(ask, "load_for", lambda *given: task)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.txt").write_text("ann has a cat .\n")
    (tmp_path / "notes/b.txt").write_text("bob lives in rome .\n")
    run(capsys, "index", "notes", "--out", "kept", "--lexical-only")
    for context in ("notes", "kept"):
        flags = ("ask", "run", "--context", context, "what has ann ?", "where lives bob ?")
        rows = [json.loads(line) for line in run(capsys, *flags, "--format", "jsonl").splitlines()]
        assert [(row["answer"], row["place"]) for row in rows] == [("cat", "a.txt:1"), ("rome", "b.txt:1")]
        assert "  cat  [a.txt:1]\n" in run(capsys, *flags)
        with pytest.raises(UserError, match=r"no passage has a word of the question 'ship'"):
            run(capsys, "ask", "run", "--context", context, "ship")
    (tmp_path / "notes/c.txt").write_bytes(b"caf\xe9")
    from lingon.cli.app import app

    app(["ask", "run", "--context", "notes", "what has ann ?"], standalone_mode=False)
    assert "notes: 1 file or row could not be read; the first: notes/c.txt:1: not UTF-8" in capsys.readouterr().err


REFUSED = {
    "no context": (["ask", "b", "who?"], "--context is missing"),
    "no file": (["ask", "b", "--context", "nowhere.txt", "who?"], "--context 'nowhere.txt': there is no such file"),
    "no text": (["ask", "b", "--context", "empty.txt", "who?"], "there is no text in it"),
    "both from standard input": (["ask", "b", "--context", "-"], "give the questions as arguments"),
    "a page": (["ask", "b", "--context", "x", "who?", "--page", "x.pdf"], "ends in '.pdf', expected .html"),
    "a format": (["ask", "b", "--context", "x", "--format", "csv"], "unknown format 'csv'"),
    "top": (["ask", "b", "--context", "x", "--top", "0"], "--top is 0; expected 1 or more"),
    "stride": (["train", "answer", "--data", "x", "--max-length", 20, "--doc-stride", 20], "less than --max-length"),
    "length": (["train", "answer", "--data", "x", "--max-length", 4], "--max-length is 4; expected 16 or more"),
    "tuning": (
        ["train", "answer", "--data", "x", "--from", "y", "--tuning", "contrastive"],
        "which is for classifiers",
    ),
    "metric": (["train", "answer", "--data", "x", "--metric", "f2"], "unknown metric 'f2'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text(" \n")
    arguments, message = REFUSED[name]
    with pytest.raises(UserError, match=message):
        run(capsys, *arguments)
