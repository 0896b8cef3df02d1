"""What `lingon generate` writes: text as it comes, lines of JSON, or a page."""

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from lingon.core.errors import UserError, unknown
from lingon.core.strict_json import dumps
from lingon.data.tokenizers.token_bytes import id_of
from lingon.decoding import beam
from lingon.decoding import logits_processors as rules
from lingon.decoding.sample import Picked
from lingon.kernels.int8_linear import Int8Linear
from lingon.tasks.language_model import LanguageModel
from lingon.tasks.language_model.generation import Written, batches, ended, gathered, likeliest
from lingon.tasks.language_model.sampling_params import Manner

Way = Callable[[Sequence[str], int | None], Iterator[list[Picked]]]  # prompts, details -> tokens step by step
# What the command line calls the fields of `Beams`.
FLAGS = {"width": "--beams", "alpha": "--length-penalty", "groups": "--groups", "diversity": "--diversity"}
STOPPING = {"never": beam.none_can_win, "heuristic": beam.none_would_win_now, "first": beam.enough_found}


def prompts_of(given: Sequence[str], file: Path | None) -> list[str]:
    """The prompts of the command line and of the lines or the table of a file; one empty prompt if none.

    Empty lines are left out.
    """
    if file is None:
        return list(given) or [""]
    from lingon.cli.predict import lines_of
    from lingon.data.files.formats import is_table
    from lingon.data.running_text import texts_of

    texts = texts_of(file) if file.is_file() and is_table(file) else lines_of(file)
    found = [*given, *(text for text in texts if text)]
    if not found:
        raise UserError(f"{str(file)!r} has no prompt; write one a line")
    return found


def bias_of(model: LanguageModel, given: Sequence[str]) -> dict[int, float]:
    """By id what is to be added to logits, from texts like 'word=-5'."""
    found = {}
    for text in given:
        piece, _, value = text.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            raise UserError(f"--bias {text!r}: expected a token and a number, as 'word=-5' or 'word=-inf'") from None
        try:
            added = {id_of(piece, model.tokenizer, model.pieces): number}
            rules.bias(added)  # looks at the number
        except UserError as error:
            raise UserError(f"--bias {text!r}: {error}") from None
        found |= added
    return found


def beams_of(
    width: int, manner: Manner, best: int, alpha: float, groups: int, diversity: float, stop: str
) -> beam.Beams:
    """The beam search that the flags ask for."""
    if stop not in STOPPING:
        raise unknown("rule for --early-stopping", stop, STOPPING)
    try:
        return beam.Beams(width, manner.tokens, alpha, best, groups, diversity if groups > 1 else 0.0, STOPPING[stop])
    except UserError as error:
        name, _, rest = str(error).partition(" ")
        raise UserError(f"{FLAGS.get(name, name)} {rest}") from None


def for_decoding(model: LanguageModel, int8: bool) -> LanguageModel:
    """The model with its matrices as they are read fastest, or in 8 bits."""
    return model.for_decoding(Int8Linear if int8 else None)


def way_of(
    model: LanguageModel, manner: Manner, contrastive: float | None, among: int | None, draft: LanguageModel | None
) -> Way:
    """How the tokens are found: with a draft, by contrastive search, or by the manner alone."""
    if draft is not None:
        return lambda prompts, details: model.drafted(prompts[0], manner, draft, details=details)
    if contrastive is not None:
        k = 4 if among is None else among
        return lambda prompts, details: model.contrasted(prompts[0], manner, contrastive, k, details)
    return lambda prompts, details: model.picked(prompts, manner, details)


def tell_of_context(model: LanguageModel, cut: Sequence[str], count: int, tokens: int) -> None:
    """Says once which texts ended since the context was full, with numbers. cut: the prompts of these texts."""
    if not cut:
        return
    context = model.model.context_length
    room = min(context - len(model.encode(prompt)) for prompt in cut)
    which = "the text" if count == 1 else f"{len(cut):,} of {count:,} texts"
    print(
        f"lingon: {which} ended where the context of {context:,} tokens is full, {room:,} tokens after the prompt;"
        f" --tokens {tokens:,} asked for more: shorten the prompt, or take a model of a longer context",
        file=sys.stderr,
    )


def stream(model: LanguageModel, prompts: Sequence[str], manner: Manner, way: Way) -> list[str]:
    """Prints each prompt and what follows, as it comes. Returns the prompts whose texts filled the context."""
    cut = []
    for prompt in prompts:
        ids: list[int] = []
        tokens = _noted(way([prompt], None), ids)
        first = list(islice(tokens, 1))  # so that what is wrong with the prompt or the rules is said before it
        print(prompt, end="", flush=True)
        for piece in model.text(chain(first, tokens), manner.stop):
            print(piece, end="", flush=True)
        print()
        if ended(model, prompt, ids, manner) == "context":
            cut.append(prompt)
    return cut


def _noted(steps: Iterator[list[Picked]], ids: list[int]) -> Iterator[list[Picked]]:
    """The steps of one row, whose ids are put into the list as they come."""
    for step in steps:
        ids.append(step[0].id)
        yield step


def found_by(
    model: LanguageModel, prompts: Sequence[str], manner: Manner, way: Way, copies: int, alone: bool, details: int
) -> Iterator[Written]:
    """All texts, in the order of the prompts. alone: the way takes one prompt at a time."""
    groups = ([prompt] for prompt in prompts) if alone else batches(model, prompts, copies, manner.tokens)
    for group in groups:
        yield from gathered(model, group, way(group, details), manner)


def searched(
    model: LanguageModel, prompts: Sequence[str], manner: Manner, beams: beam.Beams, details: int
) -> Iterator[Written]:
    """All texts of a beam search, the best of each prompt first."""
    for prompt in prompts:
        yield from likeliest(model, prompt, beams, manner, details)


def show(texts: Iterator[Written], model: LanguageModel, as_json: bool, several: bool) -> Iterator[Written]:
    """Prints texts as they come, and hands them on."""
    for i, found in enumerate(texts, 1):
        if as_json:
            print(dumps(as_row(found, model)), flush=True)
        else:
            print(f"{f'[{i}] ' if several else ''}{found.prompt}{found.text}")
            if found.score is not None:
                print(f"[log-probability {found.logprob:.3f}, score {found.score:.3f}]")
            print(end="\n" if several else "", flush=True)
        yield found


def as_row(found: Written, model: LanguageModel) -> dict:
    """A text as one JSON object."""
    tokens = [{"token": model.tokenizer.vocab.token(t.id), "logprob": t.logprob} for t in found.tokens]
    row = {"prompt": found.prompt, "text": found.text, "ended": found.ended, "logprob": found.logprob}
    return row | ({} if found.score is None else {"score": found.score}) | {"tokens": tokens}
