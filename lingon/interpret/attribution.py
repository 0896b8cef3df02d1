"""Attribution: how much each word of a text adds to what a classifier or an encoder says, by integrated gradients."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from lingon.core.errors import UserError, unknown
from lingon.interpret.integrated_gradients import Attributions, Output, integrated_gradients
from lingon.tasks.classify.saliency import Word, words_of


@dataclass(frozen=True)
class Attribution:
    """How much each word of a text adds to an output.

    target: what the output is, such as the label whose logit it is. words: their weights sum to output - baseline, but
    for `error`. baseline: the output of the text when the vectors of all its words are zero. steps: of the integral.
    """

    text: str
    target: str
    words: list[Word]
    output: float
    baseline: float
    error: float
    steps: int


def attribute(task: Any, text: str, label: str | None = None) -> Attribution:
    """Return how much each word adds to the logit of a label, by integrated gradients.

    label: the one with the largest logit when not given. Raises UserError for an unknown label, a text without words,
    and a model that does not read its tokens through one table of vectors.
    """
    if not hasattr(task, "labels"):
        raise UserError(f"a task {task.name!r} gives no logits to attribute; of two texts, see attribute_similarity")
    if task.text_pair:
        raise UserError("pairs of texts are not attributed: the baseline of a pair would be two texts")
    if label is not None and label not in task.labels:
        raise unknown("label", label, task.labels)
    logits = task.logits([text])[0]
    column = int(logits.argmax()) if label is None else task.labels.index(label)
    named = len(task.labels) == len(logits)
    return _attribution(
        task, text, task.labels[column] if named else "output", lambda model, ids, mask: model(ids, mask)[:, column]
    )


def attribute_similarity(task: Any, text: str, other: str) -> Attribution:
    """Return how much each word of a text adds to the cosine of its vector with that of another text."""
    vector = torch.from_numpy(task.encode([other]))

    def cosine(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return F.cosine_similarity(task.vectors(model, ids, mask), vector)

    return _attribution(task, text, "cosine", cosine)


def _attribution(task: Any, text: str, target: str, output: Output) -> Attribution:
    words, (ids,) = words_of(task, text), task.token_ids([text])
    if not words:
        raise UserError("a text without words has nothing to attribute")
    inside = {i for _, _, pieces in words for i in pieces}
    found: Attributions = integrated_gradients(task.model, ids, output, [i not in inside for i in range(len(ids))])
    weight: Callable[[list[int]], float] = lambda pieces: found.tokens[pieces].sum().item()
    rows = [Word(start, end, weight(pieces)) for start, end, pieces in words]
    return Attribution(text, target, rows, found.output, found.baseline, found.error, found.steps)
