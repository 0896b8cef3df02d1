"""Which rewritten sentences a reader is shown: the best, and the worst too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from lingon.tasks.rewrite.rewriting import Rewriting


@dataclass(frozen=True)
class Shown:
    """A sentence and what each system made of it, and whether that is in the target style.

    kept: the share of the words that the input and the sentence of the main system have in common, in order.
    """

    text: str
    label: str
    target: str
    by_system: Mapping[str, tuple[Rewriting, bool]]
    kept: float

    def of_system(self, system: str) -> tuple[Rewriting, bool]:
        """Return what a system made of it, and whether that is in the target style."""
        return self.by_system[system]

    def row(self) -> dict[str, Any]:
        """Return it as JSON writes it."""
        found = {name: {"text": one.rewritten, "in_style": right} for name, (one, right) in self.by_system.items()}
        return {"text": self.text, "label": self.label, "target": self.target, "kept": round(self.kept, 3), **found}


def of_all_systems(
    classifier: Any, inputs: Sequence[str], found: Mapping[str, Sequence[Rewriting]], main: str
) -> list[Shown]:
    """Return every sentence with what all systems made of it. inputs: spelt as the rewritten sentences are."""
    right = {
        system: [
            said.label == one.target
            for said, one in zip(classifier.predict([one.rewritten for one in some]), some, strict=True)
        ]
        for system, some in found.items()
    }
    rows = []
    for i, (text, one) in enumerate(zip(inputs, found[main], strict=True)):
        by_system = {system: (some[i], right[system][i]) for system, some in found.items()}
        rows.append(Shown(text, one.label, one.target, by_system, common(text, one.rewritten)))
    return rows


def best_and_worst(
    classifier: Any, inputs: Sequence[str], found: Mapping[str, Sequence[Rewriting]], n: int, main: str | None = None
) -> tuple[list[Shown], list[Shown]]:
    """Return the n best sentences of the main system, the last by default, and the n worst, without any in both.

    A sentence in the target style is better than one that is not; of these, the better the more it keeps of the input.
    The input copied keeps all, and is no better than others that are not in the style.
    """
    main = main or list(found)[-1]
    rows = of_all_systems(classifier, inputs, found, main)
    n = min(n, len(rows) // 2)
    order = sorted(rows, key=lambda one: (one.by_system[main][1], one.kept), reverse=True)
    return order[:n], order[len(order) - n :][::-1]


def common(first: str, second: str) -> float:
    """Return twice the words that two texts have in common, in order, over the words of both.

    >>> common("a dull film", "a warm film")
    0.6666666666666666
    """
    return SequenceMatcher(None, first.split(), second.split(), autojunk=False).ratio()
