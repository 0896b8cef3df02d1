"""Previews a treebank: its parts, relations, and some sentences."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from lingon.core.counted import counted
from lingon.core.terminal import printable
from lingon.core.terminal_columns import padded
from lingon.data.corpora.treebanks import TREES, load_treebank
from lingon.data.files.conllu import ConlluSentence, read_conllu
from lingon.data.files.lines import FileOptions
from lingon.data.files.table_rows import file_suffix


def show_treebank(name: str, samples: int) -> str:
    """Return counts of each part, the most frequent relations, and some sentences word by word."""
    row, parts = TREES[name], load_treebank(name)
    head = [f"{name}: {row.summary}", f"licence: {row.licence}"]
    head += [f"{part} {_count(sentences)}" for part, sentences in parts.items()]
    return "\n".join([*head, *_relations(list(chain(*parts.values()))), *_samples(parts["test"], samples)])


def holds_trees_alone(path: Path, options: FileOptions) -> bool:
    """Return whether the words of a CoNLL-U file, by its first sentence, have heads and no parts of speech."""
    if not path.is_file() or file_suffix(path) != ".conllu":
        return False
    first = next(iter(read_conllu(path, options.encoding)), None)
    return first is not None and all(row.upos == "_" and row.head != "_" for row in first.word_rows)


def show_tree_file(path: Path, samples: int, options: FileOptions) -> str:
    """Return the preview of a user's CoNLL-U file."""
    found = list(read_conllu(path, options.encoding))
    return "\n".join([f"{printable(str(path))}: {_count(found)}", *_relations(found), *_samples(found, samples)])


def _count(sentences: Sequence[ConlluSentence]) -> str:
    words = sum(len(sentence.word_rows) for sentence in sentences)
    return f"{counted(len(sentences), 'sentence')}, {counted(words, 'word')}"


def _relations(sentences: Sequence[ConlluSentence]) -> list[str]:
    counts = Counter(relation for sentence in sentences for relation in sentence.column("deprel"))
    return ["", "relations:", *(f"  {padded(name, 30, 30)} {n:7,}" for name, n in counts.most_common(25))]


def _samples(sentences: Sequence[ConlluSentence], count: int) -> list[str]:
    lines = []
    for sentence in sentences[:: max(1, len(sentences) // max(1, count))][:count]:
        rows = (f"{r.id:>4} {padded(r.form, 20)} {r.upos:6} {r.head:>4} {r.deprel}" for r in sentence.word_rows)
        lines += ["", *map(printable, rows)]
    return lines
