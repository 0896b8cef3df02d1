"""A rewriter on sentences with labels: each is rewritten by all systems, and judged."""

from typing import TYPE_CHECKING, Any

import torch

from lingon.core.check_finite import check_finite
from lingon.core.errors import UserError
from lingon.data.examples import Examples
from lingon.metrics.scores import Scores
from lingon.tasks.rewrite.rewriting import SYSTEMS, Rewriting
from lingon.tasks.rewrite.scoring import Judges, scored

if TYPE_CHECKING:
    from lingon.tasks.rewrite.rewriter import Rewriter

MAIN = "delete-retrieve"  # whose scores are those of the rewriter


def tested(rewriter: "Rewriter", examples: Any, judges: Judges) -> tuple[Scores, dict[str, list[Rewriting]]]:
    """Return the metrics of the main system with a table of all, and the sentences by system.

    Raises UserError for what is no `Examples`, or none at all, and NotFinite for broken weights.
    """
    if not isinstance(examples, Examples):
        raise UserError(f"evaluate takes Examples, sentences with labels, not {type(examples).__name__}")
    if not len(examples):
        raise UserError("there are no sentences to evaluate on")
    found = {system: rewriter.rewrite(examples.texts, examples.labels, system) for system in SYSTEMS}
    scores = scored(judges, rewriter.judged_inputs(examples.texts), found, MAIN)
    scores["loss"] = rewriter.evaluator(examples)(rewriter.generators)["loss"]
    check_finite(torch.tensor(scores["loss"]), "the model gave losses")
    return scores, found
