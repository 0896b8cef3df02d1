"""lingon learn: the course from the command line; `lingon learn 07` opens lesson 07."""

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from lingon.core.errors import UserError


class Lessons(TyperGroup):
    """Takes the number of a lesson, or a word of its name, for the command that opens it."""

    def resolve_command(self, ctx, args):
        return super().resolve_command(ctx, ["open", *args] if args and self._is_lesson(args[0]) else args)

    def _is_lesson(self, word: str) -> bool:
        from lingon.learn.lessons import lessons

        named = word not in self.commands and any(word.lower() in lesson.path.stem for lesson in lessons())
        return word[:1].isdigit() or (len(word) > 2 and named)


app = typer.Typer(
    help="The course: list lessons, open one, check its exercises.",
    cls=Lessons,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
LessonFolder = Annotated[Path, typer.Option(help="Folder of your copies of the lessons.")]
LessonName = Annotated[str, typer.Argument(help="Number of the lesson, such as 07, or a word of its name.")]


@app.callback(invoke_without_command=True)
def learn(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_lessons()


@app.command("list")
def list_lessons() -> None:
    """List the lessons and their questions."""
    from lingon.learn.lessons import lesson_numbers, lessons

    found = lessons()
    width = max(len(lesson.title) for lesson in found)
    for lesson in found:
        print(f"{lesson.number}  {lesson.title:{width}}  {lesson.question}")
    gaps = sorted(set(range(int(found[-1].number))) - {int(lesson.number) for lesson in found})
    if gaps:
        print(f"\nNot written yet: {', '.join(f'{gap:02}' for gap in gaps)}. The course has {lesson_numbers(found)}.")
    print(
        "\nOpen one: lingon learn open 00      Check your answers: lingon learn check 00      All: lingon learn check"
    )


@app.command("open")
def open_one(
    number: LessonName,
    folder: LessonFolder = Path("lessons"),
    plain: Annotated[bool, typer.Option("--plain", help="Open a Python file, not a notebook.")] = False,
    browser: Annotated[bool, typer.Option(help="Open it in JupyterLab.")] = True,
) -> None:
    """Copy a lesson to your folder, never over your own copy, and open it in JupyterLab."""
    from lingon.learn.open import open_lesson

    open_lesson(number, folder, browser=browser, plain=plain)


@app.command("check")
def check(
    number: Annotated[str | None, typer.Argument(help="Number of the lesson, such as 07. Default: all copies.")] = None,
    folder: LessonFolder = Path("lessons"),
    hint: Annotated[int, typer.Option(help="Number of hints per exercise.")] = 1,
) -> None:
    """Check the exercises in your copy of a lesson, or of all copies."""
    from lingon.learn.check import check_lesson, judged
    from lingon.learn.lessons import find_lesson

    if number is None:
        raise typer.Exit(0 if _check_all(folder) else 1)
    print(judged(find_lesson(number), folder))
    results = check_lesson(number, folder, hints=hint)
    for result in results:
        print(result)
    missing = max((result.of - len(result.hints) for result in results if not result.passed), default=0)
    if missing > 0:
        print(f"\nMore hints: --hint {max(hint, 0) + 1}")
    raise typer.Exit(0 if all(r.passed for r in results) else 1)


def _check_all(folder: Path) -> bool:
    """One line for each lesson that has a copy; whether all exercises pass."""
    from lingon.learn.check import check_lesson, copies, copy_of
    from lingon.learn.lessons import lessons

    mine = [lesson for lesson in lessons() if copies(lesson, folder)]
    if not mine:
        raise UserError(f"there are no copies of lessons in {str(folder)!r}; `lingon learn open 00` makes the first")
    complete = True
    for lesson in mine:
        results = check_lesson(lesson.number, folder, hints=0)
        passed = sum(result.passed for result in results)
        marks = "".join("+" if result.passed else "-" for result in results)
        print(f"{lesson.number}  {marks}  {passed} of {len(results)} passed  {copy_of(lesson, folder)}", flush=True)
        complete = complete and passed == len(results)
    return complete
