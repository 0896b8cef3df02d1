"""What a treebank looks like: its parts, the relations in it, and some sentences."""

from collections import Counter

from lingon.core.counted import counted
from lingon.core.terminal import printable
from lingon.core.terminal_columns import padded
from lingon.data.corpora.treebanks import TREES, load_treebank


def show_treebank(name: str, samples: int) -> str:
    """Return counts of each part, the most frequent relations, and some sentences word by word."""
    row, parts = TREES[name], load_treebank(name)
    head = [f"{name}: {row.summary}", f"licence: {row.licence}"]
    for part, sentences in parts.items():
        words = sum(len(sentence.word_rows) for sentence in sentences)
        head.append(f"{part} {counted(len(sentences), 'sentence')}, {counted(words, 'word')}")
    counts = Counter(relation for sentences in parts.values() for s in sentences for relation in s.column("deprel"))
    head += ["", "relations:", *(f"  {padded(r, 30, 30)} {n:7,}" for r, n in counts.most_common(25))]
    some = parts["test"]
    for sentence in some[:: max(1, len(some) // max(1, samples))][:samples]:
        head += [
            "",
            *(
                printable(f"{r.id:>4} {padded(r.form, 20)} {r.upos:6} {r.head:>4} {r.deprel}")
                for r in sentence.word_rows
            ),
        ]
    return "\n".join(head)
