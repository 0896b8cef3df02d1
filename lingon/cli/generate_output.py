"""What `lingon generate` prints: text as it comes, or lines of JSON."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from lingon.cli.held_warnings import held_warnings
from lingon.core.counted import counted
from lingon.core.errors import UserError, unknown
from lingon.core.strict_json import dumps
from lingon.data.tokenizers.token_bytes import token_id
from lingon.decoding import beam_params as beam
from lingon.decoding import logits_processors as processors
from lingon.decoding.request import Request
from lingon.decoding.sample import Token
from lingon.decoding.sampling_params import SamplingParams
from lingon.kernels.int8_linear import Int8Linear
from lingon.tasks.language_model import LanguageModel, strategies
from lingon.tasks.language_model.generation import (
    Generation,
    beam_generations,
    finish_reason,
    generation_of,
    generations,
)
from lingon.tasks.language_model.prologue import context_length

TokenStream = Callable[[Request, int | None], Iterator[list[Token]]]  # (request, top_logprobs) -> tokens by step
EARLY_STOPPING = {"never": beam.exact_stopping, "heuristic": beam.heuristic_stopping, "first": beam.eager_stopping}


def prompts_of(given: Sequence[str], file: Path | None) -> list[str]:
    """Return the prompts of the command line and of the lines or the table of a file; one empty prompt if none.

    Empty lines are left out, which is reported on stderr.
    """
    if file is None:
        return list(given) or [""]
    from lingon.cli.predict import lines_of
    from lingon.data.files.table_rows import is_table
    from lingon.data.running_text import read_texts

    texts = list(read_texts(file) if file.is_file() and is_table(file) else lines_of(file))
    found = [*given, *filter(None, texts)]
    if empty := texts.count(""):
        print(
            f"{empty:,} of the {counted(len(texts), 'line')} of {str(file)!r} are empty and left out", file=sys.stderr
        )
    if not found:
        raise UserError(f"{str(file)!r} has no prompt; write one a line")
    return found


def logit_bias_of(model: LanguageModel, given: Sequence[str]) -> dict[int, float]:
    """Return what is added to logits, by token id, from texts like 'word=-5'."""
    found: dict[int, float] = {}
    for text in given:
        piece, _, value = text.rpartition("=")
        expected = "expected a token and a number, as 'word=-5' or 'word=-inf'"
        try:
            number = float(value)
        except ValueError:
            raise UserError(f"--logit-bias {text!r}: {expected}") from None
        try:
            added = {token_id(piece, model.tokenizer, model.pieces): number}
            processors.logit_bias(added)  # looks at the number
        except UserError as error:
            raise UserError(f"--logit-bias {text!r}: {error}") from None
        found |= added
    return found


def beam_params_of(
    beams: int | None,
    max_new_tokens: int,
    length_penalty: float,
    n: int,
    beam_groups: int,
    diversity_penalty: float,
    early_stopping: str,
) -> beam.BeamParams | None:
    """Return the parameters of the beam search that the flags ask for; None where `beams` is None."""
    if beams is None:
        return None
    if early_stopping not in EARLY_STOPPING:
        raise unknown("rule for --early-stopping", early_stopping, EARLY_STOPPING)
    stop = EARLY_STOPPING[early_stopping]
    try:
        diversity = diversity_penalty if beam_groups > 1 else 0.0
        return beam.BeamParams(beams, max_new_tokens, length_penalty, n, beam_groups, diversity, stop)
    except UserError as error:
        name, _, rest = str(error).partition(" ")
        flag = f"--{name.replace('_', '-')}" if name in beam.BeamParams.__dataclass_fields__ else name
        raise UserError(f"{flag} {rest}") from None


def for_decoding(model: LanguageModel, int8: bool) -> LanguageModel:
    """Return the model with its matrices as they are read fastest, or in 8 bits."""
    return model.for_decoding(Int8Linear if int8 else None)


def strategy_of(
    model: LanguageModel, contrastive: float | None, top_k: int | None, draft: LanguageModel | None
) -> TokenStream | None:
    """Return the decoding strategy of one text at a time: speculative, or contrastive search; None is sampling."""
    if draft is not None:
        return lambda request, top_logprobs: strategies.speculative(model, request, draft, top_logprobs=top_logprobs)
    if contrastive is not None:
        k = 4 if top_k is None else top_k
        return lambda request, top_logprobs: strategies.contrastive(model, request, contrastive, k, top_logprobs)
    return None


@dataclass(frozen=True)
class Decoding:
    """Hold what one command decodes: a model, its prompts, how tokens are chosen, and n, the texts of each prompt."""

    model: LanguageModel
    prompts: Sequence[str]
    params: SamplingParams
    strategy: TokenStream | None  # None is sampling
    beam_search: beam.BeamParams | None
    n: int = 1

    def stream(self) -> None:
        """Print each prompt and its continuation, as it comes."""
        tokens_of = self.strategy or (lambda request, _: strategies.sample_batch(self.model, [request]))
        full = []  # numbers of tokens of the prompts whose texts filled the context
        for prompt, request in self._requests():
            ids: list[int] = []
            tokens = _noted(tokens_of(request, None), ids)
            with held_warnings():
                first = list(islice(tokens, 1))  # so that an error of prompt or parameters comes before any output
                print(prompt, end="", flush=True)
                for piece in self.model.text(chain(first, tokens), self.params.stop):
                    print(piece, end="", flush=True)
                print(flush=True)
            if finish_reason(self.model, request, ids) == "context_length":
                full.append(len(request.prompt_ids))
        self._warn_full_context(full, len(self.prompts))

    def print_all(self, as_json: bool, top_logprobs: int) -> list[Generation]:
        """Print all generations as they come, as text or as lines of JSON; return them."""
        several = self.n > 1 or len(self.prompts) > 1
        texts = list(print_generations(self._generations(top_logprobs), as_json, several))
        full = [len(text.prompt_ids) for text in texts if text.finish_reason == "context_length"]
        self._warn_full_context(full, len(texts))
        return texts

    def _generations(self, top_logprobs: int) -> Iterator[Generation]:
        """Yield all generations, in the order of the prompts; those of a beam search the best first."""
        if self.beam_search:
            for prompt in self.prompts:
                yield from beam_generations(self.model, prompt, self.beam_search, self.params, top_logprobs)
        elif self.strategy is None:
            yield from generations(self.model, self.prompts, self.params, self.n, top_logprobs)
        else:
            for prompt, request in self._requests():
                tokens = [token for step in self.strategy(request, top_logprobs) for token in step]
                yield generation_of(self.model, prompt, request, tokens)

    def _requests(self) -> Iterator[tuple[str, Request]]:
        return zip(self.prompts, self.model.requests(self.prompts, self.params), strict=True)

    def _warn_full_context(self, full: Sequence[int], count: int) -> None:
        """Say once how many of `count` texts ended since the context was full. full: tokens of their prompts."""
        if not full:
            return
        context = context_length(self.model.model) or 0  # only models with a limit fill it
        room = context - max(full)
        which = "the text" if count == 1 else f"{len(full):,} of {counted(count, 'text')}"
        print(
            f"lingon: {which} ended where the context of {context:,} tokens is full, {room:,} tokens after the prompt;"
            f" --max-new-tokens {self.params.max_new_tokens:,} asked for more: only sampling goes past the context;"
            " shorten the prompt, or use a model with a longer context",
            file=sys.stderr,
        )


def _noted(steps: Iterator[list[Token]], ids: list[int]) -> Iterator[list[Token]]:
    """Yield the steps of one row, whose ids are put into the list as they come."""
    for step in steps:
        ids.append(step[0].id)
        yield step


def print_generations(texts: Iterator[Generation], as_json: bool, several: bool) -> Iterator[Generation]:
    """Print generations as they come, and hand them on."""
    for i, found in enumerate(texts, 1):
        if as_json:
            print(dumps(found.row()), flush=True)
        else:
            print(f"{f'[{i}] ' if several else ''}{found}", end="\n\n" if several else "\n", flush=True)
        yield found


def write_page(
    path: Path, model: LanguageModel, texts: Sequence[Generation], bundle: str, given: dict[str, object], top: int
) -> None:
    """Write the page of all tokens, and say so on stderr. given: the options of the command. top: tokens at a place."""
    from lingon.tasks.language_model.page import write_logprob_page

    print(f"wrote {write_logprob_page(path, model, texts, bundle, given, top)}", file=sys.stderr)
