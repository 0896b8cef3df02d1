"""Lines in, labels out: what `lingon predict` reads and prints."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

from lingon.core.errors import DataError, UserError
from lingon.core.strict_json import dumps
from lingon.core.terminal import printable
from lingon.data import lines
from lingon.data.lines import FileOptions
from lingon.tasks.classify import Classifier, Prediction
from lingon.tasks.words import deciding_words

AT_ONCE = 1024  # texts labelled together when they come faster than the model reads


def lines_of(file: Path | None, options: FileOptions = FileOptions()) -> Iterator[str]:
    """The texts of a file of plain text (maybe packed) or of standard input, one a line."""
    if file is None or str(file) == "-":
        if sys.stdin is None:  # closed by whoever started this
            raise UserError("standard input is closed; give texts, or a file of them")
        if sys.stdin.isatty():
            print("Type a text and press Enter; Ctrl-D ends.", file=sys.stderr)
        return _decoded(lines.lines_in("standard input", sys.stdin.buffer), "standard input")
    if not file.is_file():
        raise UserError(f"there is no file {str(file)!r}")
    return _decoded(lines.lines_of(file, options.encoding), str(file))


def _decoded(found: Iterator[lines.Line], name: str) -> Iterator[str]:
    for number, text, wrong in found:
        if wrong:
            raise DataError(f"{name}:{number}: {wrong}")
        yield text.rstrip("\r\n")


def as_they_come(texts: Iterable[str], most: int = AT_ONCE) -> Iterator[list[str]]:
    """Groups of lines: all that have arrived, at most `most`; one alone when the next is not there yet.

    So a slow pipe gets each answer at once, and a fast one gets large batches.
    """
    queue: Queue[str | BaseException] = Queue(maxsize=most)
    Thread(target=_fill, args=(queue, texts), daemon=True).start()
    while True:
        group = [queue.get()]
        while len(group) < most and isinstance(group[-1], str):
            try:
                group.append(queue.get_nowait())
            except Empty:
                break
        if found := [item for item in group if isinstance(item, str)]:
            yield found
        if isinstance(end := group[-1], StopIteration):
            return
        if isinstance(end, BaseException):
            raise end


def _fill(queue: Queue, texts: Iterable[str]) -> None:
    try:
        for text in texts:
            queue.put(text)
        queue.put(StopIteration())
    except BaseException as error:  # passed on to the reader of the queue
        queue.put(error)


def predict_lines(classifier: Classifier, texts: Iterable[str], format: str, words: bool) -> Iterator[str]:
    """One printed line per text: label, probability and text, or a JSON object."""
    for group in as_they_come(texts):
        for found in classifier.predict(group):
            strongest = strongest_words(classifier, found) if words else []
            if format == "jsonl":
                more = {"words": strongest} if words else {}
                yield dumps({**asdict(found), **more})
            else:
                end = "   [" + ", ".join(f"{w} {x:+.2f}" for w, x in strongest) + "]" if strongest else ""
                label, text = printable(found.label), printable(found.text + end)
                yield f"{label:10} {found.probability:6.1%}  {text}"


def strongest_words(classifier: Classifier, found: Prediction, most: int = 5) -> list[tuple[str, float]]:
    """The words that moved the probability of the label most, either way."""
    weights = deciding_words(classifier, found.text, found.label)
    top = sorted(weights, key=lambda w: -abs(w.weight))[:most]
    return [(found.text[w.start : w.end], round(w.weight, 4)) for w in top]
