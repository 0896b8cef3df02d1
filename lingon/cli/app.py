"""The command line: all commands, and how each ends."""

import os
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

import lingon
from lingon.cli import (
    ask,
    chat,
    embed,
    evaluate_command,
    generate,
    index,
    learn,
    predict_command,
    search,
    stylize,
    translate,
    vectors,
)
from lingon.cli import data as data_commands
from lingon.cli.errors import Door, error_line
from lingon.cli.load_task import Head
from lingon.cli.plain_typer import plain_typer
from lingon.cli.train import Recipes
from lingon.core.terminal import printable, screened
from lingon.recipes import names, recipe_of
from lingon.recipes.as_command import as_command
from lingon.recipes.estimate import estimate

app = plain_typer("Deep learning for language: train, evaluate, predict, learn.", "lingon", Door)
train = plain_typer("Train a model; `lingon train TASK --help` lists the options.", cls=Recipes)
app.add_typer(train, name="train")
app.add_typer(data_commands.app, name="data")
app.add_typer(learn.app, name="learn")
app.add_typer(vectors.app, name="vectors")


@train.callback()
def train_root() -> None:
    """So that it is a group: its commands come from the registry of tasks."""


app.command("estimate")(as_command(estimate, sweeps=False))
app.command()(predict_command.predict)
app.command()(evaluate_command.evaluate)
app.command()(embed.embed)
app.command()(index.index)
app.command()(search.search)
app.command()(ask.ask)
app.command()(translate.translate)
app.command()(chat.chat)
app.command()(stylize.stylize)
app.command()(generate.generate)
app.command()(generate.logprob)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print the traceback of an error.")] = False,
) -> None:
    if version:
        print(lingon.__version__)
        raise typer.Exit


@app.command()
def recipes() -> None:
    """List what `lingon train` can train."""
    for name in names():
        print(f"{name:{max(map(len, names()))}}  {(recipe_of(name).__doc__ or '').splitlines()[0]}")
    print("\nTry: lingon train sentiment          All settings: lingon train sentiment --help")


@app.command()
def export(
    bundle: Annotated[str, typer.Argument(help="Trained model: a bundle or a run folder.")],
    to: Annotated[
        str,
        typer.Option(
            help="Format: onnx, program or torch; of language models onnx or gguf; of translators onnx or ctranslate2."
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Output folder, of gguf a file. Default: beside the bundle.")] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Quantize weights to 8 bits, checked on real texts.")] = False,
    data: Annotated[str | None, typer.Option(help="Corpus or file for that check. Default: the training data.")] = None,
    head: Head = None,
    quantize: Annotated[
        str | None,
        typer.Option(
            help="Type of the weights: of gguf f32, f16 or q8_0, default f16; of ctranslate2 such as float16 or int8, "
            "default float32."
        ),
    ] = None,
) -> None:
    """Export a trained model for another runtime or language, and verify that its outputs are equal."""
    from lingon.cli.export_output import lines_of_export
    from lingon.export.portable import export as export_bundle

    for line in lines_of_export(export_bundle(bundle, to, out, int8, data, head, quantize)):
        print(line)


@app.command()
def plot(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; their curves are overlaid.")],
    out: Annotated[Path, typer.Option(help="An .html page, or a .png, .svg or .pdf image.")] = Path("curves.html"),
    tensorboard: Annotated[Path | None, typer.Option(help="Write TensorBoard events to this folder instead.")] = None,
) -> None:
    """Plot the training curves of one or more runs."""
    from lingon.export.training_curves import plot_runs

    for written in plot_runs(runs, out, tensorboard):
        print(f"wrote {written}")


@app.command()
def doctor() -> None:
    """Check the installation (versions, cores, memory, disk, devices, data) and suggest fixes."""
    from lingon.doctor import examine

    raise typer.Exit(examine())


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit; every error is one line unless --debug is given."""
    with screened():
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
    try:
        if sys.stdout:
            sys.stdout.flush()
    except BrokenPipeError:  # `lingon ... | head`: what is left has no reader, and Python is not to say so at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


# What torch warns of and nobody who types a command can do anything about.
NOT_FOR_USERS = (
    "TensorFloat32 tensor cores",  # float32 means float32 here
    "\\s*Online softmax is disabled",
    "RNN module weights are not part of single contiguous",  # weights that are dropped are copies
    "Sparse invariant checks are implicitly disabled",
)


def _run(arguments: list[str]) -> int:
    debug = "--debug" in arguments
    if not debug:  # a warning is one line too, without the place in our code
        warnings.formatwarning = lambda message, *where: f"lingon: {printable(message)}\n"
        for start in NOT_FOR_USERS:
            warnings.filterwarnings("ignore", message=start)
    try:
        code = app([a for a in arguments if a != "--debug"], prog_name="lingon", standalone_mode=False)
    except BaseException as error:
        if debug:
            raise
        message, code = error_line(error, arguments)
        if message:
            print(f"lingon: {message}", file=sys.stderr)
    return code or 0


if __name__ == "__main__":
    main()
