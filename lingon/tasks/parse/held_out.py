"""A trained parser on its held-out sentences, which it parses once: for scores, for the report, for examples."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from lingon.core.counted import counted
from lingon.core.terminal import printable
from lingon.data.trees import Tree
from lingon.metrics.attachment import universal
from lingon.metrics.scores import Scores
from lingon.tasks.parse.decode import Decoded
from lingon.tasks.parse.parser import Parser
from lingon.tasks.parse.scoring import compared, scores_of

SHOWN, SHOWN_WORDS = 3, 30


class Judged(NamedTuple):
    """A true tree beside the one that was found."""

    true: Tree
    found: Decoded

    @property
    def sureness(self) -> float:
        """Return the mean over the words of P of head and relation."""
        return sum(self.found.probabilities) / len(self.true)

    @property
    def wrong(self) -> list[int]:
        """Return the positions of the words whose head or universal relation is wrong."""
        rows = zip(self.true.heads, self.true.relations, self.found.heads, self.found.relations, strict=True)
        return [i for i, (head, name, h, n) in enumerate(rows) if head != h or universal(name) != universal(n)]


class HeldOut:
    """A parser and the trees it is tested on. Sentences are parsed after training, once."""

    def __init__(self, parser: Parser, trees: Sequence[Tree]):
        self.parser, self.trees = parser, [tree for tree in trees if len(tree)]

    @cached_property
    def judged(self) -> list[Judged]:
        """Each tree beside the one that was found."""
        found = self.parser.decoded([tree.words for tree in self.trees])
        return [Judged(*pair) for pair in zip(self.trees, found, strict=True)]

    def scores(self) -> Scores:
        """Return the metrics; see `Parser.evaluate`."""
        return scores_of(compared(self.trees, [one.found for one in self.judged]))

    def surest(self, right: bool) -> list[Judged]:
        """Return the sentences whose tree is right, or not, the surest first."""
        return sorted((one for one in self.judged if (not one.wrong) == right), key=lambda one: -one.sureness)

    def report(self, folder: Path, run: Mapping[str, Any]) -> Path:
        """Write the report of a run into its folder; see `lingon.tasks.parse.report`."""
        from lingon.tasks.parse.report import write_report

        return write_report(folder / "report.html", self, folder, dict(run))

    def extremes(self) -> str:
        """Return sentences that the parser is surest about and wrong, with what is wrong in them."""
        right = sum(not one.wrong for one in self.judged)
        lines = [f"{right:,} of {counted(len(self.judged), 'tree')} are all right"]
        lines += ["most confident and wrong:" if right < len(self.judged) else "most confident and wrong: none"]
        for one in self.surest(False)[:SHOWN]:
            words = " ".join(one.true.words[:SHOWN_WORDS]) + (" ..." if len(one.true) > SHOWN_WORDS else "")
            lines += [f"  {one.sureness:.1%}  {printable(words)}", f"    {printable(mistakes(one))}"]
        return "\n".join(lines)


def mistakes(one: Judged, most: int = 4) -> str:
    """Return what is wrong in a tree: words, each with the arc that was found and the true one."""
    shown = []
    for i in one.wrong[:most]:
        said = _arc(one.true, one.found.heads[i], one.found.relations[i])
        shown.append(f"{one.true.words[i]} {said}, is {_arc(one.true, one.true.heads[i], one.true.relations[i])}")
    return "; ".join(shown) + ("; ..." if len(one.wrong) > most else "")


def _arc(tree: Tree, head: int, relation: str) -> str:
    return f"{relation} of {tree.words[head - 1]}" if head else relation
