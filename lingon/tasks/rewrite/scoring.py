"""How good rewritten sentences are: their style, what they keep of the input, and how fluent they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lingon.metrics.scores import Scores
from lingon.metrics.translation import corpus_bleu
from lingon.tasks.rewrite.rewriting import Rewriting

MAIN = "harmonic_mean"
COPY = "copy"  # the input as it is, beside the systems


@dataclass(frozen=True)
class Judges:
    """What judges rewritten sentences.

    classifier: has `predict`, which gives each text a label. language_model: has `evaluate`, which gives the perplexity
    of texts. encoder: has `encode`, which gives texts vectors; None: no vectors are compared.
    """

    classifier: Any
    language_model: Any
    encoder: Any = None

    def scores(self, inputs: Sequence[str], rewritten: Sequence[str], targets: Sequence[str]) -> dict[str, float]:
        """Return the metrics of sentences that were rewritten to target styles; inputs are spelt as these are.

        style_accuracy: the share that the classifier takes for the target style. bleu: to the input, 0 to 100.
        harmonic_mean: of style_accuracy and bleu / 100. similarity: the mean cosine of the vectors of both.
        """
        found = [one.label for one in self.classifier.predict(list(rewritten))]
        style = sum(label == target for label, target in zip(found, targets, strict=True)) / len(targets)
        content = max(0.0, corpus_bleu(list(rewritten), list(inputs)).value)
        scores = {"style_accuracy": style, "bleu": content, MAIN: harmonic_mean(style, content / 100)}
        if self.encoder is not None:
            scores["similarity"] = float(np.mean(cosines(self.encoder, inputs, rewritten)))
        return scores | {"perplexity": self.language_model.evaluate(list(rewritten))["perplexity"]}


def harmonic_mean(a: float, b: float) -> float:
    """Return 2ab / (a + b), and 0 where both are 0.

    >>> harmonic_mean(0.5, 1.0), harmonic_mean(0.0, 0.0)
    (0.6666666666666666, 0.0)
    """
    return 2 * a * b / (a + b) if a + b else 0.0


def cosines(encoder: Any, first: Sequence[str], second: Sequence[str]) -> np.ndarray:
    """Return the cosine of the vectors of each two texts, [n]."""
    a, b = (np.asarray(encoder.encode(list(texts)), np.float64) for texts in (first, second))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.einsum("nd,nd->n", a, b) / np.where(lengths == 0, 1, lengths)


def scored(judges: Judges, inputs: Sequence[str], found: Mapping[str, Sequence[Rewriting]], main: str) -> Scores:
    """Return the metrics of the main system, with a table of all of them and of the input copied; see `Judges.scores`.

    found: what each system made of the inputs.
    """
    targets = [one.target for one in found[main]]
    table = {name: judges.scores(inputs, [one.rewritten for one in some], targets) for name, some in found.items()}
    table[COPY] = judges.scores(inputs, inputs, targets)
    signatures = {"bleu": corpus_bleu(inputs, inputs).signature}
    return Scores(table[main], MAIN, {"by_system": table}, lines_of(table), signatures)


def lines_of(table: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the human-readable table: a line for each system, a column for each metric."""
    names = list(next(iter(table.values())))
    head = " " * 16 + "".join(f"{name.replace('_', ' '):>16}" for name in names)
    return [head, *(f"{system:16}" + "".join(f"{row[name]:16.4g}" for name in names) for system, row in table.items())]
