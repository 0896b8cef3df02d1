"""Lines in, predictions out: what `lingon predict` reads and prints."""

import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import TYPE_CHECKING, Any

from lingon.core.errors import DataError, UserError, no_file, unknown
from lingon.core.strict_json import dumps
from lingon.core.terminal import printable
from lingon.data.files import lines
from lingon.data.files.lines import FileOptions
from lingon.tasks.task import Predictor

if TYPE_CHECKING:
    from rich.text import Text

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")  # of names of marked parts
OWN_FORMATS = ("conllu", "conll")  # of some tasks, which say which they have
AT_ONCE = 1024  # texts labelled together when they come faster than the model reads


def lines_of(file: Path | None, options: FileOptions = FileOptions()) -> Iterator[str]:
    """The texts of a file of plain text (maybe packed) or of standard input, one a line."""
    if file is None or str(file) == "-":
        if sys.stdin is None:  # closed by whoever started this
            raise UserError("standard input is closed; give texts, or a file of them")
        if sys.stdin.isatty():
            print("Type a text and press Enter; Ctrl-D ends.", file=sys.stderr)
        return _decoded(lines.decode_lines("standard input", sys.stdin.buffer), "standard input")
    if not file.is_file():
        raise no_file(file)
    return _decoded(lines.read_lines(file, options.encoding), str(file))


def _decoded(found: Iterator[lines.TextLine], name: str) -> Iterator[str]:
    for number, text, wrong in found:
        if wrong:
            raise DataError(f"{name}:{number}: {wrong}")
        yield text.rstrip("\r\n")


def as_they_come(texts: Iterable[Any], most: int = AT_ONCE) -> Iterator[list[Any]]:
    """Groups of lines, or of pairs: all that have arrived, at most `most`; one alone when the next is not there yet.

    So a slow pipe gets each answer at once, and a fast one gets large batches.
    """
    queue: Queue[Any] = Queue(maxsize=most)
    Thread(target=_fill, args=(queue, texts), daemon=True).start()
    while True:
        group = [queue.get()]
        while len(group) < most and not isinstance(group[-1], BaseException):
            try:
                group.append(queue.get_nowait())
            except Empty:
                break
        if found := [item for item in group if not isinstance(item, BaseException)]:
            yield found
        if isinstance(end := group[-1], StopIteration):
            return
        if isinstance(end, BaseException):
            raise end


def _fill(queue: Queue, texts: Iterable[Any]) -> None:
    try:
        for text in texts:
            queue.put(text)
        queue.put(StopIteration())
    except BaseException as error:  # passed on to the reader of the queue
        queue.put(error)


def tell_blank(texts: Sequence[str] | None, what: str = "what is predicted for it") -> None:
    """Say which arguments are blank: a model has an answer to nothing too, and it means nothing.

    what: the answer, in words.
    """
    for number, text in enumerate(texts or (), 1):
        if not text.strip():
            print(f"text {number} is blank; {what} means nothing", file=sys.stderr)


@dataclass
class ForPage:
    """What a page shows: texts and what was predicted of them, kept as it comes, so that nothing is predicted twice."""

    task: Any
    page: Path
    name: str
    inputs: list[Any] = field(default_factory=list)
    found: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not hasattr(self.task, "write_page"):
            from lingon.interpret.page import check_looked_into

            check_looked_into(self.task)  # before minutes of work

    def keep(self, inputs: Iterable[Any], found: Iterable[Any]) -> None:
        """Keep some texts with their predictions."""
        self.inputs += inputs
        self.found += found

    def write(self) -> None:
        """Write the task's own page, or the look inside of a classifier or an encoder, and say so on stderr."""
        if hasattr(self.task, "write_page"):
            written = self.task.write_page(self.page, self.found, self.name)
        else:
            from lingon.interpret.page import write_page

            written = write_page(self.page, self.task, self.inputs, self.name)
        print(f"wrote {written}", file=sys.stderr)


def predict_lines(
    task: Predictor,
    texts: Iterable[Any],
    format: str,
    words: bool,
    colours: bool = False,
    for_page: ForPage | None = None,
) -> "Iterator[str | Text]":
    """Yield one line per text: the prediction for people, or a JSON object; or its block in a format of the task.

    words: with those that decided. colours: of a prediction that marks parts of its text. for_page: keeps all. Raises
    UserError when the task cannot say which words decided.
    """
    explain = getattr(task, "explain", None) if words else None
    if words and explain is None:
        raise UserError(f"--words: the task {task.name!r} has no saliency of words; leave it out")
    for group in as_they_come(texts):
        predictions = task.predict(group)
        if for_page:
            for_page.keep(group, predictions)
        for found in predictions:
            strongest = explain(found) if explain else []
            if format == "jsonl":
                yield dumps({**found.row(), **({"words": strongest} if words else {})})
            elif format != "text":
                yield getattr(found, "formatted")(format).removesuffix("\n")  # noqa: B009, of tasks with such formats
            elif colours and hasattr(found, "pieces"):
                yield coloured(found)
            else:
                end = "   [" + ", ".join(f"{w} {x:+.2f}" for w, x in strongest) + "]" if strongest else ""
                yield f"{found}{printable(end)}"


def coloured(found: Any) -> "Text":
    """Return a prediction that marks parts of its text with these parts in colours, each with its name behind it."""
    from rich.text import Text

    text = Text(found.said)
    for piece, name in found.pieces():
        hue = COLOURS[zlib.crc32(name.encode()) % len(COLOURS)]
        text.append(printable(piece), f"bold {hue}" if name else "")
        if name:
            text.append(f" {printable(name)}", f"dim {hue}")
    return text


def show(line: "str | Text") -> None:
    """Print a line; one with colours through rich."""
    if isinstance(line, str):
        print(line, flush=True)
        return
    from rich.console import Console

    Console(highlight=False).print(line, soft_wrap=True)


def check_format(format: str, task: Any = None) -> None:
    """Raise UserError for a format that is neither text nor jsonl, nor one of the task's own, as conllu."""
    known = ("text", "jsonl", *getattr(task, "formats", OWN_FORMATS if task is None else ()))
    if format not in known:
        raise unknown("format", format, known)
