"""How often answers on images are right: in all, by type of question, and by answer."""

from collections.abc import Sequence

from lingon.core.counted import counted
from lingon.core.terminal import printable
from lingon.core.terminal_columns import columns_of, padded
from lingon.data.image_questions import ImageQuestions
from lingon.metrics.scores import Scores, Table

MOST_LINES = 20  # of the table that is printed


def scored(data: ImageQuestions, said: Sequence[str], loss: float) -> Scores:
    """Return accuracy and loss, with tables by type of question and by true answer.

    said: the answer to each question. loss: the mean of -log P(true answer) over the questions whose answer is known.
    """
    right = [one.answer == answer for one, answer in zip(data.questions, said, strict=True)]
    tables: dict[str, Table] = {
        "per_type": _table([one.question_type for one in data.questions], right),
        "per_answer": _table([one.answer for one in data.questions], right),
    }
    values = {"accuracy": sum(right) / len(right), "loss": loss}
    return Scores(values, "accuracy", tables, _lines(tables["per_type"]))


def _table(groups: Sequence[str], right: Sequence[bool]) -> dict[str, dict[str, float]]:
    """Accuracy and number of the questions of each group, large groups first."""
    found: dict[str, list[bool]] = {}
    for group, one in zip(groups, right, strict=True):
        found.setdefault(group, []).append(one)
    ordered = sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return {name: {"accuracy": sum(some) / len(some), "support": len(some)} for name, some in ordered}


def _lines(table: Table) -> list[str]:
    width = max(16, *(columns_of(name) for name in list(table)[:MOST_LINES]))
    lines = [f"  {'question':{width}}  accuracy  {'support':>7}"]
    for name, of in list(table.items())[:MOST_LINES]:
        lines.append(f"  {padded(name, width)}  {of['accuracy']:8.4f}  {of['support']:7,.0f}")
    more = len(table) - MOST_LINES
    return lines + ([f"  ... and {more:,} types with fewer questions"] if more > 0 else [])


def unseen_answers(data: ImageQuestions, answers: Sequence[str]) -> str:
    """Return a line on questions whose true answer is none of these: they can only be wrong; "" where there is none."""
    known = set(answers)
    missing = [one.answer for one in data.questions if one.answer not in known]
    if not missing:
        return ""
    names = ", ".join(printable(name) for name in sorted(set(missing))[:5])
    more = ", ..." if len(set(missing)) > 5 else ""
    return (
        f"{counted(len(missing), 'question has', 'questions have')} an answer that no training "
        f"question has ({names}{more}); they count as wrong"
    )
