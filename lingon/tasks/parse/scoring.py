"""The metrics of a parser, with tables by relation and by length of the sentence."""

from collections.abc import Sequence

from lingon.core.terminal_columns import columns_of, padded
from lingon.data.trees import Tree
from lingon.metrics.attachment import Attachment, Counts, attachment
from lingon.metrics.scores import Scores, Table
from lingon.tasks.parse.decode import Decoded

MOST_RELATIONS = 30  # lines of the table


def compared(trees: Sequence[Tree], found: Sequence[Decoded]) -> Attachment:
    """Compare the trees that were found with the true ones."""
    gold = [(tree.heads, tree.relations) for tree in trees]
    return attachment(gold, [(one.heads, one.relations) for one in found])


def scores_of(found: Attachment) -> Scores:
    """Return UAS, LAS and CLAS, the tables, and human-readable lines of these."""
    values = {"uas": found.words.uas, "las": found.words.las, "clas": found.content.f1}
    relations = dict(sorted(found.by_relation.items(), key=lambda pair: -pair[1].gold))
    lengths = dict(sorted(found.by_length.items(), key=lambda pair: int(pair[0].split("-")[0])))
    by_relation = {name: {**_shares(counts), "f1": counts.f1} for name, counts in relations.items()}
    tables: dict[str, Table] = {
        "per_relation": by_relation,
        "per_length": {name: _shares(counts) for name, counts in lengths.items()},
    }
    return Scores(values, "las", tables, _lines(relations) + _lines(lengths, "words"))


def _shares(counts: Counts) -> dict[str, float]:
    """Shares of the words with a relation that is right; NaN, which JSON has not, where no word has it in truth."""
    if not counts.gold:
        return {"support": 0, "predicted": counts.predicted}
    return {"uas": counts.uas, "las": counts.las, "support": counts.gold, "predicted": counts.predicted}


def _lines(table: dict[str, Counts], name: str = "relation") -> list[str]:
    rows = [(key, counts) for key, counts in table.items() if counts.gold]
    width = max(10, *(columns_of(key) for key, _ in rows)) if rows else 10
    lines = [f"  {name:{width}}     uas     las  {'support':>7}"]
    for key, counts in rows[:MOST_RELATIONS]:
        lines.append(f"  {padded(key, width)}  {counts.uas:6.4f}  {counts.las:6.4f}  {counts.gold:7,}")
    if len(rows) > MOST_RELATIONS:
        lines.append(f"  ... and {len(rows) - MOST_RELATIONS:,} relations with fewer words")
    return lines
