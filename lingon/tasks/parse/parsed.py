"""The prediction of a parser for a sentence: a head and a relation for each word, written and drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lingon.core.errors import UserError
from lingon.core.terminal import printable
from lingon.data.files.conllu import ConlluSentence, format_conllu, sentence_of
from lingon.data.trees import Tree
from lingon.data.words_of_text import words_of_text
from lingon.pages.tree_picture import tree_svg
from lingon.tasks.parse.text_tree import tree_lines


@dataclass(frozen=True)
class Parsed:
    """Sentence with its tree. heads: for each word the number of its head, from 1; 0 is the root.

    sentence: the sentence with all its columns, of which HEAD and DEPREL are the parser's.
    """

    text: str
    words: list[str]
    heads: list[int]
    relations: list[str]
    sentence: ConlluSentence = field(repr=False)

    @property
    def tree(self) -> Tree:
        return Tree(tuple(self.words), tuple(self.heads), tuple(self.relations))

    def row(self) -> dict[str, Any]:
        """Return text, words, heads and relations by name."""
        return {"text": self.text, "words": self.words, "heads": self.heads, "relations": self.relations}

    def __str__(self) -> str:
        lines = tree_lines(self.words, self.heads, self.relations)
        return "\n".join([printable(self.text), *map(printable, lines), ""])  # an empty line behind each tree

    def formatted(self, format: str) -> str:
        """Return the sentence as CoNLL-U, the only other format, with the empty line behind it."""
        return format_conllu(self.sentence)

    def svg(self) -> str:
        """Return the tree as an SVG picture: arcs over the words, from head to dependent."""
        return tree_svg(self.words, self.heads, self.relations)


def as_sentence(given: Any) -> ConlluSentence:
    """Return a text, a list of words or a sentence of a file as a sentence. Raises UserError for anything else.

    A text is one sentence: it is divided into words, not into sentences.
    """
    if isinstance(given, ConlluSentence):
        return given
    if isinstance(given, str):
        found = words_of_text(given)
        ends = [word.start for word in found[1:]]
        close = [i for i, start in enumerate(ends) if found[i].end == start]
        sentence = sentence_of([word.text for word in found], [f"# text = {' '.join(given.split())}"])
        rows = list(sentence.rows)
        for i in close:
            rows[i] = rows[i]._replace(misc="SpaceAfter=No")
        return ConlluSentence(sentence.comments, tuple(rows))
    if not isinstance(given, Sequence) or not all(isinstance(word, str) and word for word in given):
        raise UserError(f"a sentence is a text or a list of words, not {str(given)[:40]!r}")
    if strange := next((word for word in given if len(f"_{word}_".splitlines()) > 1 or "\t" in word), None):
        raise UserError(f"a word has no tabs or line breaks inside, as {strange[:40]!r} has; divide it")
    return sentence_of(given, [f"# text = {' '.join(given)}"])


def parsed(given: Any, sentence: ConlluSentence, heads: Sequence[int], relations: Sequence[str]) -> Parsed:
    """Return the prediction of a parser for a sentence. given: what it was asked about."""
    columns = {"head": [str(head) for head in heads], "deprel": list(relations)}
    text = given if isinstance(given, str) else sentence.text
    return Parsed(text, list(sentence.words), list(heads), list(relations), sentence.with_columns(columns))
