"""lingon ask: questions to a passage, a folder of them, or an image."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lingon.cli.ask_context import Context, context_of
from lingon.cli.generate_options import Device
from lingon.cli.load_task import Head, Precision, load_for
from lingon.core.errors import UserError, unknown
from lingon.core.strict_json import dumps
from lingon.core.terminal import printable
from lingon.pages.page import check_page_path
from lingon.recipes.file_settings import Encoding, Files

if TYPE_CHECKING:
    from lingon.tasks.answer import FoundAnswer

FORMATS = ("text", "jsonl")
PASSAGES_AT_ONCE = 1 << 18  # characters of passages that are read together, one for each question
AROUND = 240  # characters of the passage that are shown on each side of the answer


def ask(
    bundle: Annotated[str, typer.Argument(help="Trained answerer: a bundle or a run folder.")],
    questions: Annotated[
        list[str] | None, typer.Argument(help="Questions. Default: the lines of standard input.")
    ] = None,
    context: Annotated[
        str | None,
        typer.Option(
            help="File with the passage, of any length; a folder of documents or an index of one (lingon index), of "
            "which the passages with the words of the question are read; - is standard input."
        ),
    ] = None,
    image: Annotated[
        Path | None, typer.Option(help="File with the image, for a model that answers questions on images.")
    ] = None,
    top: Annotated[int, typer.Option("--top", "--top-k", "-k", help="Number of answers.")] = 1,
    format: Annotated[str, typer.Option(help="Output format: text (default) or jsonl.")] = "text",
    page: Annotated[
        Path | None,
        typer.Option(
            help="Write an .html page: the passage with the answers marked, or the image with what was looked at."
        ),
    ] = None,
    encoding: Encoding = "utf-8",
    device: Device = "cpu",
    precision: Precision = "float32",
    head: Head = None,
) -> None:
    """Answer questions from a passage or on an image: the likeliest answers, with their probabilities."""
    from lingon.cli.predict import AT_ONCE, as_they_come, lines_of

    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    if top < 1:
        raise UserError(f"--top is {top}; expected 1 or more")
    if page:
        check_page_path(page)
    if questions and not any(question.strip() for question in questions):
        raise UserError("the question is blank; ask one, such as 'Who wrote it?'")
    if image is not None:
        from lingon.cli.ask_image import ask_image

        if context is not None:
            raise UserError("--context is for passages and --image for images; give one of the two")
        task = load_for("ask", bundle, device, head, precision)
        ask_image(task, image, without_blank(questions or lines_of(None)), bundle, top, format, page)
        return
    if context is None:
        raise UserError(
            "--context is missing: a file with the passage, a folder, or - for standard input; "
            "a model that answers questions on images has --image"
        )
    if context == "-" and not questions:
        raise UserError("--context - reads the passage from standard input; give the questions as arguments")
    find, asked = context_of(context, Files(encoding)), without_blank(questions or lines_of(None))
    task, shown = load_for("ask", bundle, device, head, precision), []
    from lingon.cli.predict_images import reads_questions_on_images

    if reads_questions_on_images(task):
        raise UserError(f"{bundle!r} answers questions on images; give --image photo.png in place of --context")
    for group in as_they_come(asked, AT_ONCE):
        for some in _read_together([(question, find(question)) for question in group]):
            answers = task.answers([(question, one.text) for question, one in some], top)
            for (_, one), found in zip(some, answers, strict=True):
                shown.append(found)
                (_print_jsonl if format == "jsonl" else _print_text)(found, one)
    if page:
        print(f"wrote {write_page(page, shown, context)}", file=sys.stderr)


def without_blank(questions: Iterable[str]) -> Iterator[str]:
    """Yield questions; report blank ones on stderr; they get no answer."""
    for number, question in enumerate(questions, 1):
        if question.strip():
            yield question
        else:
            print(f"question {number} is blank and gets no answer", file=sys.stderr)


def _read_together(pairs: Sequence[tuple[str, Context]]) -> Iterator[list[tuple[str, Context]]]:
    """Yield the questions in groups whose passages are not too much at once."""
    group: list[tuple[str, Context]] = []
    for pair in pairs:
        if group and sum(len(one.text) for _, one in [*group, pair]) > PASSAGES_AT_ONCE:
            yield group
            group = []
        group.append(pair)
    yield group


def _print_jsonl(found: Sequence["FoundAnswer"], context: Context) -> None:
    for rank, one in enumerate(found, 1):
        place = {"place": context.place(one.start)} if context.places else {}
        print(dumps({**one.row(), **place, "rank": rank}), flush=True)


def _print_text(found: Sequence["FoundAnswer"], context: Context) -> None:
    """Print the question, and each answer with the passage around it."""
    print(printable(found[0].question))
    for one in found:
        if one.answer:
            before, answer, after = excerpt(one)
            place = context.place(one.start)
            print(f"{one.probability:6.1%}  {answer}" + (f"  [{printable(place)}]" if place else ""))
            _print_marked(before, answer, after)
        else:
            print(f"{one.probability:6.1%}  (no answer)", flush=True)


def excerpt(found: "FoundAnswer") -> tuple[str, str, str]:
    """Return the answer between what stands around it in the passage, on one line."""
    before, answer, after = found.pieces()
    left = ("... " if len(before) > AROUND else "") + " ".join(before[-AROUND:].split())
    right = " ".join(after[:AROUND].split()) + (" ..." if len(after) > AROUND else "")
    left += " " if before[-1:].isspace() else ""
    right = (" " if after[:1].isspace() else "") + right
    return printable(left), printable(" ".join(answer.split())), printable(right)


def _print_marked(before: str, answer: str, after: str) -> None:
    """Print a passage with the answer in bold on a terminal, else between asterisks."""
    if not sys.stdout.isatty():
        print(f"        {before}**{answer}**{after}", flush=True)
        return
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    text = Text.assemble(before, (answer, "bold yellow"), after)
    Console(highlight=False).print(Padding(text, (0, 0, 0, 8)))


def write_page(path: Path, shown: Sequence[Sequence["FoundAnswer"]], context: str) -> Path:
    """Write the passage once for each question, with the best answer marked, and the other answers."""
    from lingon.pages.page import render

    items = [
        {
            "question": found[0].question,
            "pieces": found[0].pieces(),
            "answers": [(one.answer or "(no answer)", f"{one.probability:.1%}") for one in found],
        }
        for found in shown
    ]
    return render("answers.html", path, {"title": f"Answers from {Path(context).name}", "items": items})
