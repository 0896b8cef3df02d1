"""lingon chat: a conversation with a language model in the terminal, or with the lines of a pipe."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from lingon.cli import generate_options as options
from lingon.cli.held_warnings import held_warnings
from lingon.cli.load_task import load_for
from lingon.core.errors import UserError, suggest
from lingon.core.terminal import printable

if TYPE_CHECKING:
    from lingon.tasks.chat.session import ChatSession

COMMANDS = {
    "/reset": "start a new conversation; the system message stays",
    "/system TEXT": "set the system message; none without a text",
    "/quit": "end, as Ctrl-D does",
    "/help": "show these commands",
}
SystemPrompt = Annotated[str | None, typer.Option(help="System message.")]


def chat(
    bundle: options.ModelSource,
    system: SystemPrompt = None,
    max_new_tokens: options.MaxNewTokens = 512,
    temperature: options.Temperature = 0.7,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    min_p: options.MinP = None,
    typical_p: options.TypicalP = None,
    repetition_penalty: options.RepetitionPenalty = None,
    no_repeat_ngram_size: options.NoRepeatNgramSize = None,
    stop: options.StopStrings = None,
    int8: options.Int8 = False,
    seed: options.Seed = 0,
    device: options.Device = "cpu",
) -> None:
    """Talk to a chat model: it answers each line; /help lists what else can be typed.

    The model's own chat template says how a conversation is written; a plain one where it has none.
    """
    from lingon.cli.generate_output import for_decoding
    from lingon.decoding.sampling_params import SamplingParams
    from lingon.tasks.chat.chat_model import ChatModel, chat_model_in
    from lingon.tasks.chat.session import ChatSession

    params = SamplingParams(
        max_new_tokens, temperature, top_k, top_p, min_p, typical_p, repetition_penalty, no_repeat_ngram_size,
        stop=tuple(stop or ()), seed=seed,
    )  # fmt: skip
    found = chat_model_in(load_for("chat", bundle, device))
    assert found is not None, "the registry says that it can"
    session = ChatSession(ChatModel(for_decoding(found.language, int8)), params, system or "")
    talk(session, typed_lines() if sys.stdin is not None and sys.stdin.isatty() else piped_lines())


def talk(session: "ChatSession", lines: Iterator[str]) -> None:
    """Answer lines until they end, or one says /quit. On a terminal an error ends an answer, not the conversation."""
    interactive = sys.stdin is not None and sys.stdin.isatty()
    for line in lines:
        text = line.strip()
        if text == "/quit":
            return
        try:
            if text.startswith("/"):
                obey(session, text)
            elif text:
                answer(session, text)
        except KeyboardInterrupt:
            if not interactive:
                raise
            print()
        except UserError as error:
            if not interactive:
                raise
            _tell(str(error))


def answer(session: "ChatSession", text: str) -> None:
    """Print the answer as it comes, then what should be known of it."""
    with held_warnings():
        for piece in session.ask(text):
            print(printable(piece, lines=True), end="", flush=True)
        print(flush=True)
    for note in session.notes:
        _tell(note)


def obey(session: "ChatSession", text: str) -> None:
    """Do what a line that begins with / says. Raises UserError for an unknown command."""
    command, _, rest = text.partition(" ")
    if command == "/reset":
        session.reset()
        _tell("new conversation")
    elif command == "/system":
        session.system = rest.strip()
        _tell("the system message is set" if session.system else "there is no system message now")
    elif command == "/help":
        _tell("\n".join(f"{name:14} {meaning}" for name, meaning in COMMANDS.items()))
    else:
        raise UserError(f"unknown command {command!r}; {suggest(command, [name.split()[0] for name in COMMANDS])}")


def typed_lines() -> Iterator[str]:
    """Yield lines that are typed; the arrow keys work where the machine has readline. Ctrl-D and Ctrl-C end."""
    with suppress(ImportError):
        import readline  # noqa: F401  # input() uses it once it is there
    _tell("type a message and press Enter; /help lists commands, Ctrl-D ends")
    while True:
        try:
            yield input("> ")
        except (EOFError, KeyboardInterrupt):
            print(file=sys.stderr)
            return


def piped_lines() -> Iterator[str]:
    """Yield the lines of standard input, as a pipe or a file gives them."""
    from lingon.cli.predict import lines_of

    return lines_of(None)


def _tell(text: str) -> None:
    print(printable(text, lines=True), file=sys.stderr, flush=True)
