"""The report of an answerer: scores by question word and by the length of the answer, and the surest wrong answers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lingon.core.counted import counted
from lingon.data.questions import Question
from lingon.engine.log import read_metrics
from lingon.metrics.exact_match import answer_scores, best_over, token_f1
from lingon.metrics.metric_table import metric_rows
from lingon.metrics.scores import Scores
from lingon.pages.curves import curves
from lingon.pages.page import render
from lingon.pages.run_facts import run_facts
from lingon.tasks.answer.found_answer import NO_ANSWER_TEXT, FoundAnswer

QUESTION_WORDS = ("who", "whom", "whose", "what", "which", "when", "where", "why", "how many", "how much", "how")
LENGTHS = ((1, 1), (2, 3), (4, 7), (8, None))  # words of the shortest gold answer
AROUND = 400  # characters of the passage on each side of what is marked
SHOWN = 8
NOTE = "Red: the predicted answer. Green: a gold answer. These answers have F1 0 and the highest confidence."
RIGHT_NOTE = "Green is the answer. F1 of these answers is 1."


def write_report(
    path: Path,
    tested: tuple[Scores, Sequence[FoundAnswer]],
    questions: Sequence[Question],
    run_folder: Path,
    run: dict[str, Any],
) -> Path:
    """Write `report.html` of the test questions, their scores and answers. run: what run.json holds."""
    name, model = run["data"].get("name"), run["arguments"].get("model")
    page = {
        "title": f"Question answering: {name}",
        "subtitle": f"{model} trained on {name}; tested on {counted(len(questions), 'question')}.",
        "curves": curves({run_folder.name: read_metrics(run_folder)}),
        "facts": run_facts(run),
    }
    return render("report.html", path, page | sections(*tested, questions))


def write_evaluation(
    path: Path, tested: tuple[Scores, Sequence[FoundAnswer]], questions: Sequence[Question], name: str
) -> Path:
    """Write the page of an evaluation: scores and answers. name: of the model."""
    page = {"title": f"{name}: question answering", "subtitle": f"Tested on {counted(len(questions), 'question')}."}
    return render("report.html", path, page | sections(*tested, questions))


def sections(scores: Scores, found: Sequence[FoundAnswer], questions: Sequence[Question]) -> dict[str, Any]:
    """Return what both pages show: metrics, scores of kinds of questions, and the surest wrong and right answers."""
    return {
        "headline": metric_rows(scores),
        "sections": [
            _section(
                "Scores by question word",
                "The first question word that stands in the question.",
                found,
                questions,
                question_word,
            ),
            _section(
                "Scores by length of the answer",
                "Words of the shortest answer that people gave.",
                found,
                questions,
                answer_length,
            ),
        ],
        "examples": _examples(found, questions),
    }


def question_word(question: Question) -> str:
    """Return the question word of a question, the one that stands first; "other" where there is none.

    >>> question_word(Question("1", "", "In how many days, and who says so?"))
    'how many'
    """
    words = f" {' '.join(''.join(c if c.isalnum() else ' ' for c in question.question.lower()).split())} "
    places = {word: words.find(f" {word} ") for word in QUESTION_WORDS}
    there = [word for word in QUESTION_WORDS if places[word] >= 0]
    return min(there, key=lambda word: (places[word], -len(word)), default="other")


def answer_length(question: Question) -> str:
    """Return how many words the shortest gold answer has, as one of a few ranges; "no answer" where there is none."""
    if not question.answers:
        return "no answer"
    words = min(len(text.split()) for text in question.texts)
    low, high = next((low, high) for low, high in LENGTHS if high is None or words <= high)
    return f"{low} and more" if high is None else f"{low}" if low == high else f"{low} to {high}"


def _section(
    title: str,
    note: str,
    found: Sequence[FoundAnswer],
    questions: Sequence[Question],
    group: Callable[[Question], str],
) -> dict[str, Any]:
    groups: dict[str, list[int]] = {}
    for i, question in enumerate(questions):
        groups.setdefault(group(question), []).append(i)
    rows = []
    for name in sorted(groups, key=lambda name: (-len(groups[name]), name)):
        places = groups[name]
        scores = answer_scores([found[i].answer for i in places], [questions[i].texts for i in places])
        said = f"F1 {scores['f1']:.4f}, exact match {scores['exact_match']:.4f}, {counted(len(places), 'question')}"
        rows.append((name, said))
    return {"title": title, "note": note, "rows": rows}


def _examples(found: Sequence[FoundAnswer], questions: Sequence[Question]) -> list[dict[str, Any]]:
    """Return the answers that are wrong in every word and that the model was surest about, and such that are right."""
    scores = [best_over(token_f1, one.answer, question.texts) for one, question in zip(found, questions, strict=True)]
    surest = sorted(range(len(found)), key=lambda i: -found[i].probability)
    wrong, right = ([i for i in surest if scores[i] == score][:SHOWN] for score in (0, 1))
    return [
        {"title": "Most confident and wrong", "note": NOTE, "shown": [_example(found[i], questions[i]) for i in wrong]},
        {
            "title": "Most confident and right",
            "note": RIGHT_NOTE,
            "shown": [_example(found[i], questions[i]) for i in right],
        },
    ]


def _example(found: FoundAnswer, question: Question) -> dict[str, Any]:
    return {
        "predicted": f"{question.question} {found.answer or NO_ANSWER_TEXT}",
        "how_sure": f"{found.probability:.1%}",
        "label_is": "the answer is",
        "label": " / ".join(dict.fromkeys(question.texts)) or NO_ANSWER_TEXT,
        "pieces": marked(found, question),
        "scale": 0.5,
    }


def marked(found: FoundAnswer, question: Question) -> list[tuple[str, float]]:
    """Return the passage around the answers in pieces: 1 for an answer that people gave, -1 for the one that was found.

    Where the two overlap, what people gave is shown. Of a passage without either the beginning is shown.
    """
    text, signs = question.context, [0.0] * len(question.context)
    if found.start is not None and found.end is not None:
        signs[found.start : found.end] = [-1.0] * (found.end - found.start)
    for answer in question.answers[:1]:
        signs[answer.start : answer.end] = [1.0] * len(answer.text)
    places = [i for i, sign in enumerate(signs) if sign] or [0]
    low, high = max(0, places[0] - AROUND), min(len(text), places[-1] + AROUND)
    pieces: list[tuple[str, float]] = [("... ", 0.0)] if low else []
    start = low
    for i in range(low + 1, high + 1):
        if i == high or signs[i] != signs[start]:
            pieces.append((text[start:i], signs[start]))
            start = i
    return [*pieces, *([(" ...", 0.0)] if high < len(text) else [])]
