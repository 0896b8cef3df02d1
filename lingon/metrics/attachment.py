"""Attachment scores of dependency trees, by the rules of the CoNLL 2018 shared task."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lingon.core.counted import counted
from lingon.core.errors import UserError

# Relations between content words; those of function words (aux, case, cc, clf, cop, det, mark) and punct are left out
# of CLAS (Zeman et al. 2018, section 3.2 and their script).
CONTENT = frozenset(
    {"nsubj", "obj", "iobj", "csubj", "ccomp", "xcomp", "obl", "vocative", "expl", "dislocated", "advcl", "advmod"}
    | {"discourse", "nmod", "appos", "nummod", "acl", "amod", "conj", "fixed", "flat", "compound", "list", "parataxis"}
    | {"orphan", "goeswith", "reparandum", "root", "dep"}
)
LENGTHS = (10, 20, 30, 40)  # upper bounds, in words, of the groups of sentences by length


def universal(relation: str) -> str:
    """Return a relation without its language-specific subtype.

    >>> universal("nmod:poss")
    'nmod'
    """
    return relation.partition(":")[0]


@dataclass
class Counts:
    """Counts of words: true ones, predicted ones, those with the right head, and with the right relation too."""

    gold: int = 0
    predicted: int = 0
    heads: int = 0
    labelled: int = 0

    @property
    def uas(self) -> float:
        """Return the fraction of words with the right head."""
        return self.heads / self.gold if self.gold else float("nan")

    @property
    def las(self) -> float:
        """Return the fraction of words with the right head and relation."""
        return self.labelled / self.gold if self.gold else float("nan")

    @property
    def f1(self) -> float:
        """Return the F1 of the words counted here; a word is correct if its head and relation are."""
        both = self.gold + self.predicted
        return 2 * self.labelled / both if both else float("nan")


@dataclass(frozen=True)
class Attachment:
    """Scores of trees: of all words, of content words, by relation and by length of the sentence (1-10, 11-20 ...)."""

    words: Counts
    content: Counts
    by_relation: dict[str, Counts] = field(default_factory=dict)
    by_length: dict[str, Counts] = field(default_factory=dict)


Heads = Sequence[int]
Relations = Sequence[str]


def attachment(gold: Iterable[tuple[Heads, Relations]], predicted: Iterable[tuple[Heads, Relations]]) -> Attachment:
    """Return the scores of predicted trees, given as the heads (from 1, 0 for the root) and relations of the words.

    Every word counts, including punctuation. Only universal relations are compared: the subtype after a colon, as in
    nmod:poss, is ignored, as in the script of the shared task. UAS and LAS are fractions of words, since both trees
    have the same words; CLAS (`content.f1`) is the F1 of words with a relation of content words.
    Raises UserError if the numbers of trees or words differ.
    """
    gold, predicted = list(gold), list(predicted)
    if len(gold) != len(predicted):
        raise UserError(f"{counted(len(predicted), 'tree')} for {counted(len(gold), 'sentence')}; each has one")
    found = Attachment(Counts(), Counts())
    for number, (true, said) in enumerate(zip(gold, predicted, strict=True), 1):
        sizes = {len(column) for column in (*true, *said)}
        if len(sizes) > 1:
            raise UserError(
                f"sentence {number:,}: {counted(len(said[0]), 'head')} for "
                f"{counted(len(true[0]), 'word')}; each word has one"
            )
        _add(found, true, said)
    return found


def _add(found: Attachment, gold: tuple[Heads, Relations], predicted: tuple[Heads, Relations]) -> None:
    of_length = found.by_length.setdefault(length_group(len(gold[0])), Counts())
    words: Any = zip(*gold, *predicted, strict=True)
    for true_head, true, head, said in words:
        true, said = universal(true), universal(said)
        of_relation = found.by_relation.setdefault(true, Counts())
        of_said = found.by_relation.setdefault(said, Counts())
        of_said.predicted += 1
        found.content.predicted += said in CONTENT
        for counts in (found.words, of_length, of_relation, *([found.content] if true in CONTENT else [])):
            counts.gold += 1
            counts.heads += head == true_head
            counts.labelled += head == true_head and said == true


def length_group(words: int) -> str:
    """Return the name of the length group of a sentence with this number of words.

    >>> length_group(7), length_group(11), length_group(99)
    ('1-10', '11-20', '41-')
    """
    low = 1
    for high in LENGTHS:
        if words <= high:
            return f"{low}-{high}"
        low = high + 1
    return f"{low}-"
