"""A page of two models side by side: their scores, and the examples on which they differ most."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

from lingon.metrics.metric_table import metric_name
from lingon.pages.page import check_page_path, render
from lingon.recipes.compare_systems import SystemComparison

MOST_EXAMPLES = 100


def write_comparison(path: Path | str, found: SystemComparison) -> Path:
    """Write one HTML file with scores, intervals and p-values, and the examples sorted by the difference of one metric.

    Words of an output that the other has not are marked. Raises UserError for a path that is no .html.
    """
    path = check_page_path(path)
    first, second = found.outputs
    metric = first.sorted_by
    scores = first.statistics[metric].each(), second.statistics[metric].each()
    order = sorted(range(len(first.inputs)), key=lambda i: -abs(scores[1][i] - scores[0][i]))
    differing = [i for i in order if first.outputs[i] != second.outputs[i]]
    items = [
        {
            "input": first.inputs[i],
            "reference": first.references[i],
            "difference": f"{scores[1][i] - scores[0][i]:+.1f}",
            "outputs": [
                {"name": side, "score": f"{scores[k][i]:.1f}", "pieces": list(marked(own, other))}
                for k, (side, own, other) in enumerate(
                    (
                        ("first", first.outputs[i], second.outputs[i]),
                        ("second", second.outputs[i], first.outputs[i]),
                    )
                )
            ],
        }
        for i in differing[:MOST_EXAMPLES]
    ]
    head, *rows = found.table()
    page = {
        "title": f"{found.names[0]} and {found.names[1]}",
        "names": found.names,
        "head": head,
        "rows": rows,
        "note": found.note(),
        "signatures": found.row().get("signatures", {}),
        "metric": metric_name(metric),
        "differ": f"{len(differing):,} of {len(order):,} outputs differ",
        "shown": len(items),
        "items": items,
    }
    return render("comparison.html", path, page)


def marked(text: str, other: str) -> Iterator[tuple[str, bool]]:
    """Yield pieces of a text, and whether each has words that the other text has not at this place.

    >>> list(marked("the red house", "the house"))
    [('the ', False), ('red ', True), ('house', False)]
    """
    words = [word + " " for word in text.split(" ")]
    words[-1] = words[-1][:-1]
    plain = [word.rstrip(" ") for word in words]
    matches = SequenceMatcher(None, other.split(" "), plain, autojunk=False).get_opcodes()
    for kind, _, _, start, end in matches:
        if end > start:
            yield "".join(words[start:end]), kind != "equal"
