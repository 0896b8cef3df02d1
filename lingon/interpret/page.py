"""Pages that explain a classifier or an encoder: words coloured by their attribution, and attention of heads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.interpret.attribution import attribute
from lingon.interpret.layer_vectors import encoder_of
from lingon.interpret.probes import probe_texts
from lingon.interpret.recording import record
from lingon.pages.charts import line_chart
from lingon.pages.page import check_page_path, data_of, render
from lingon.tasks.classify.encoding import as_input
from lingon.tasks.classify.saliency import Word, deciding_words

MOST_TEXTS, MOST_TOKENS = 20, 64  # of a page, and of an attention map
MOST_PROBED = 1000  # texts
BETWEEN = " | "  # between the texts of a pair
LEVELS = 99  # an attention weight is written as an integer up to this one


def write_page(path: Path | str, task: Any, texts: Sequence[str], name: str) -> Path:
    """Write one HTML file that shows how a model processes texts, up to 20 of them.

    For a classifier: words coloured by integrated gradients of the logit, and by occlusion. For a model with attention:
    a map of every layer and head. For a text encoder: the cosines between texts. name: of the model. texts: pairs if
    the model takes pairs. Raises UserError for a path that is not .html, and for a task without anything to show.
    """
    path, shown = check_page_path(path), list(texts)[:MOST_TEXTS]
    check_looked_into(task)
    if not shown:
        raise UserError("--page shows what a model makes of texts: there are no texts")
    items = [_item(task, text) for text in shown]
    page = {
        "title": f"Inside {Path(name).name}",
        "facts": f"{type(task.model).__name__}, {_how_many(len(shown), len(texts))}",
        "items": items,
        "cosines": _cosines(task, shown) if hasattr(task, "similarity") else [],
        "data": data_of([item["attention"] for item in items]),
    }
    return render("interpret.html", path, page)


def check_looked_into(task: Any) -> None:
    """Raise UserError for a task for which the page of texts has nothing to show."""
    if not hasattr(task, "token_ids"):
        what = f"the task {task.name!r} gives texts no labels and no vectors"
        raise UserError(f"--page shows what a model makes of texts: {what}")


def _how_many(shown: int, texts: int) -> str:
    return counted(texts, "text") if shown == texts else f"{shown:,} of {counted(texts, 'text')}"


def check_probed(examples: Any) -> None:
    """Raise UserError for examples that are not texts with a label each, which the page of an evaluation needs."""
    if not _single_labels(examples):
        raise UserError(
            "--page of an evaluation of this model shows what its layers know of one label for each text, and these "
            "examples have none; leave --page out, or see report.html in the folder of the run"
        )


def write_probe_page(path: Path | str, task: Any, examples: Any, name: str) -> Path:
    """Write one HTML file with the accuracy of a linear probe on each layer, and of its control task.

    examples: texts with labels; 1,000 of them, evenly spaced, are used. Raises UserError for other examples, and for a
    model without hidden states of tokens.
    """
    path = check_page_path(path)
    check_probed(examples)
    page = {"title": f"What each layer of {Path(name).name} knows", "curves": [_probe_chart(task, examples)]}
    return render("curves.html", path, page)


def probe_sections(task: Any, examples: Any) -> list[dict[str, Any]]:
    """Return the accuracy of linear probes as a section of a page; none if there are no layers to probe."""
    try:
        encoder_of(task)
        chart = _probe_chart(task, examples) if _single_labels(examples) else None
    except UserError:  # no layers, or too few texts
        return []
    note = "Accuracy of a linear classifier on the vectors that each layer makes of the texts."
    return [] if chart is None else [{"title": "What each layer knows", "note": note, "charts": [chart]}]


def _single_labels(examples: Any) -> bool:
    labels = getattr(examples, "labels", None)
    pairs = getattr(examples, "text_pairs", None) is not None
    return labels is not None and not pairs and all(isinstance(label, str) for label in labels)


def _probe_chart(task: Any, examples: Any) -> str:
    texts, labels = examples.texts, examples.labels
    step = -(-len(texts) // MOST_PROBED)
    found = probe_texts(task, texts[::step], labels[::step])
    lines = {
        "accuracy": [(float(row.layer), row.accuracy) for row in found],
        "random labels (control task)": [(float(row.layer), row.control) for row in found],
        "most frequent label": [(float(row.layer), row.majority) for row in found],
    }
    return line_chart(lines, "linear probes", "layer (0: embeddings)", "accuracy, held-out", (0.0, 1.0))


def _item(task: Any, given: Any) -> dict[str, Any]:
    """Return the content of the page for one text, or a pair."""
    given = as_input(given, True) if getattr(task, "text_pair", False) else given
    colours = _colours(task, given) if hasattr(task, "labels") else []
    text = given if isinstance(given, str) else BETWEEN.join(given)
    said = str(task.predict(given)).removesuffix(text).strip()
    return {"text": text, "said": said, "colours": colours, "attention": attention_data(task, given)}


def _colours(task: Any, text: Any) -> list[dict[str, Any]]:
    """Return the text in coloured pieces: by integrated gradients if the model supports it, and by occlusion."""
    found = []
    try:
        given = attribute(task, text)
        sums = f"{given.output - given.baseline:+.3f} of the logit of {given.target}, off by {given.error:.1e}"
        found.append({"name": f"Integrated gradients: {sums}", "pieces": _pieces(text, given.words)})
    except UserError as error:
        found.append({"name": f"Integrated gradients: {error}", "pieces": []})
    label = getattr(task.predict(text), "label", None)
    if label is not None or not task.labels:
        words = deciding_words(task, text, label)
        found.append({"name": f"Occlusion of words: {label or 'the number'}", "pieces": _pieces(text, words)})
    return found


def _pieces(text: Any, words: Sequence[Word]) -> list[tuple[str, float, float]]:
    """Return (piece, weight, strength from -1 to 1) for all pieces of a text, or of a pair, in order."""
    strongest = max((abs(w.weight) for w in words), default=0) or 1.0
    found: list[tuple[str, float, float]] = []
    for side, one in enumerate([text] if isinstance(text, str) else text):
        found, end = [*found, (BETWEEN if side else "", 0.0, 0.0)], 0
        for word in (word for word in words if word.side == side):
            shown = (one[word.start : word.end], word.weight, word.weight / strongest)
            found, end = [*found, (one[end : word.start], 0.0, 0.0), shown], word.end
        found.append((one[end:], 0.0, 0.0))
    return [piece for piece in found if piece[0]]


def attention_data(task: Any, text: Any) -> dict[str, Any] | None:
    """Return the tokens of a text, or of a pair, and the maps of every layer and head [L, H, T * T].

    Weights are integers up to 99. Only the first 64 tokens are used. Return None for a model without attention.
    """
    try:
        encoder = encoder_of(task)
    except UserError:
        return None
    ids = task.token_ids([text])[0][:MOST_TOKENS]
    types = task.encoded([text]).token_types if hasattr(task, "encoded") else None
    of_tokens = None if types is None else torch.tensor([types[0][:MOST_TOKENS]])
    maps = record(encoder, torch.tensor([ids]), token_types=of_tokens).attention if ids else []
    if not maps:
        return None
    whole = [(LEVELS * layer[0]).round().int().flatten(1).tolist() for layer in maps]
    return {"tokens": [task.tokenizer.vocab.token(i) for i in ids], "maps": whole}


def _cosines(task: Any, texts: Sequence[str]) -> list[tuple[str, list[float]]]:
    vectors = task.encode(texts)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return list(zip(texts, (unit @ unit.T).tolist(), strict=True))
