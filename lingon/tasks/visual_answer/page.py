"""A page of answers: each image, what the model looked at in it, and how much each word of the question counted."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lingon.core.counted import counted
from lingon.core.errors import UserError
from lingon.data.image_questions import ImageQuestion, ImageQuestions
from lingon.pages.heat import heat_over
from lingon.pages.images import data_uri
from lingon.pages.page import check_page_path, render
from lingon.tasks.visual_answer.visual_answer import VisualAnswer

if TYPE_CHECKING:
    from lingon.tasks.visual_answer.visual_answerer import VisualAnswerer

MOST = 100  # questions of a page


def write_page(path: Path | str, task: "VisualAnswerer", found: Sequence[Sequence[VisualAnswer]], name: str) -> Path:
    """Write one HTML file with the answers to questions, up to 100; likeliest first, with what was looked at.

    name: of the model. Raises UserError for a path that is no .html, and where there is no answer.
    """
    path, shown = check_page_path(path), list(found)[:MOST]
    if not shown:
        raise UserError("--page shows answers; there is no question")
    looked = shown_attention(task, [some[0] for some in shown])
    items = [
        {
            "title": some[0].image,
            **looks,
            "answers": [(f"{one.probability:.1%}", one.answer_text) for one in some],
            "unknown": ", ".join(some[0].unknown_words),
        }
        for some, looks in zip(shown, looked, strict=True)
    ]
    note = (
        f"the first {MOST} of {counted(len(found), 'question')}"
        if len(found) > MOST
        else counted(len(found), "question")
    )
    page = {"title": f"{Path(name).name}: questions on images", "note": note, "items": items}
    return render("image_answers.html", path, page)


def shown_attention(task: "VisualAnswerer", found: Sequence[VisualAnswer]) -> list[dict[str, Any]]:
    """Return for each answer the pieces of its question with their weights, the image, and the image with heat over it.

    Of a model that sees no image, `heat` is None.
    """
    data = _asked(found)
    looks = []
    for one, seen in zip(found, task.attention(data), strict=True):
        assert one.pixels is not None
        words, places = seen.words.numpy(), seen.places.numpy()
        heat = np.einsum("t,thw->hw", words, places)
        over = data_uri(heat_over(one.pixels, heat)) if heat.size > 1 else None
        pieces = _pieces(one.question, task.tokenizer.offsets(one.question), words.tolist())
        plain = data_uri(heat_over(one.pixels, np.zeros((1, 1), np.float32)))
        looks.append({"pieces": pieces, "image": plain, "heat": over})
    return looks


def _asked(found: Sequence[VisualAnswer]) -> ImageQuestions:
    """The questions of answers, each on an image of its own."""
    pixels = np.stack([one.pixels for one in found if one.pixels is not None])
    questions = [ImageQuestion(i, one.question) for i, one in enumerate(found)]
    return ImageQuestions(pixels, questions, [one.image for one in found])


def _pieces(text: str, offsets: Sequence[tuple[int, int]], weights: Sequence[float]) -> list[tuple[str, float]]:
    """Return the question in pieces with their weights, 0 for what is between words."""
    found, end = [], 0
    for (start, stop), weight in zip(offsets, weights, strict=True):
        found += [(text[end:start], 0.0), (text[start:stop], weight)]
        end = stop
    return [(piece, weight) for piece, weight in [*found, (text[end:], 0.0)] if piece]
