"""Attribution by integrated gradients: how much each word of a text adds to the output of a classifier or encoder."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from lingon.core.errors import UserError, unknown
from lingon.interpret.integrated_gradients import Attributions, Output, integrated_gradients
from lingon.tasks.classify.encoding import as_input
from lingon.tasks.classify.saliency import Word, input_words


@dataclass(frozen=True)
class Attribution:
    """How much each word of a text adds to an output.

    text: the text, or both texts of a pair; each word tells which one it is in. target: name of the output, such as the
    label of the logit. words: their weights sum to output - baseline, up to `error`. baseline: the output when the
    embeddings of all words are zero. steps: of the integral.
    """

    text: Any
    target: str
    words: list[Word]
    output: float
    baseline: float
    error: float
    steps: int


def attribute(task: Any, text: Any, label: str | None = None) -> Attribution:
    """Return how much each word adds to the logit of a label, by integrated gradients.

    text: for a classifier of pairs, a tuple of two; the baseline has zeros for the words of both. label: the one with
    the largest logit when not given. Raises UserError for an unknown label, a text without words, and a model without a
    single token embedding.
    """
    if not hasattr(task, "labels"):
        raise UserError(f"a task {task.name!r} gives no logits to attribute; of two texts, see attribute_similarity")
    text = as_input(text, task.text_pair)
    if label is not None and label not in task.labels:
        raise unknown("label", label, task.labels)
    logits, types = task.logits([text])[0], task.encoded([text]).token_types
    column = int(logits.argmax()) if label is None else task.labels.index(label)
    named = len(task.labels) == len(logits)

    def logit(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        more = () if types is None else (torch.tensor(types).expand(len(ids), -1),)
        return model(ids, mask, *more)[:, column]

    return _attribution(task, text, task.labels[column] if named else "output", logit)


def attribute_similarity(task: Any, text: str, other: str) -> Attribution:
    """Return how much each word of a text adds to the cosine of its vector with that of another text."""
    vector = torch.from_numpy(task.encode([other]))

    def cosine(model: Any, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return F.cosine_similarity(task.vectors(model, ids, mask), vector)

    return _attribution(task, text, "cosine", cosine)


def _attribution(task: Any, text: Any, target: str, output: Output) -> Attribution:
    words, (ids,) = input_words(task, text), task.token_ids([text])
    if not words:
        raise UserError("a text without words has nothing to attribute")
    inside = {i for word in words for i in word.tokens}
    found: Attributions = integrated_gradients(task.model, ids, output, [i not in inside for i in range(len(ids))])
    rows = [Word(word.start, word.end, found.tokens[word.tokens].sum().item(), word.side) for word in words]
    return Attribution(text, target, rows, found.output, found.baseline, found.error, found.steps)
