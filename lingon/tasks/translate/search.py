"""How translations are found: a beam search of a batch, one with terms, or samples; each gives ids and scores."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from lingon.decoding.beam import beam_search
from lingon.decoding.beam_params import BeamParams, Hypothesis
from lingon.decoding.constrained_beam import constrained_beam_search
from lingon.decoding.decoder_protocol import TokenSequence
from lingon.decoding.phrases import Phrase
from lingon.decoding.prefill import read
from lingon.decoding.request import requests_of
from lingon.decoding.run import Strategy, run
from lingon.decoding.sampling_params import SamplingParams
from lingon.decoding.source_decoder import SourceDecoder
from lingon.kernels.allocator import keep_freed_memory
from lingon.tasks.translate.decoder import source_decoder
from lingon.tasks.translate.params import TranslationParams
from lingon.tasks.translate.precision import model_of
from lingon.tasks.translate.processors import processors_of

if TYPE_CHECKING:
    from lingon.tasks.translate.translator import Translator

TOKENS_AT_ONCE = 4_096  # of sources in a batch, which the beams of a source share
ROWS_AT_ONCE = 512  # sources of a batch, times the beams: all weights are read for each token of a batch, once
SAMPLES_AT_ONCE = 64  # that are drawn beside each other
Source = tuple[int, ...]
Found = list[list[Hypothesis]]


@torch.inference_mode()
def search(
    translator: "Translator",
    sources: Sequence[Source],
    params: TranslationParams,
    phrases: Sequence[Sequence[Phrase]] = (),
    advance: Callable[[int], None] = lambda count: None,
) -> Found:
    """Return the best translations of each source, best first; or samples, in the order they are drawn.

    phrases: what must stand in the translation of each source. Sources of similar length are a batch; equal ones are
    translated once, but for samples. advance: is called with how many sources have been translated, again and again.
    """
    keep_freed_memory()  # the logits of a step are as large as those of the one before
    prompt = translator.prompt(params.prefix)
    # Beside a text that fills the context, a new one of a running batch may have all of it before it.
    columns = 0 if params.drawn is None else 2 * translator.model.context_length
    decoder = source_decoder(model_of(translator, sources), columns)
    if params.drawn is not None:
        found = _sampled(translator, decoder, sources, prompt, params, params.drawn)
        advance(len(sources))
        return found
    known: dict[Any, list[Hypothesis]] = {}
    wanted = [tuple(some) for some in phrases] or [()] * len(sources)
    different = Counter(zip(sources, wanted, strict=True))
    for source, needed in different:
        if needed:
            known[source, needed] = _with_phrases(translator, decoder, source, prompt, params, needed)
            advance(different[source, needed])
    for batch in batches_of([source for source, needed in different if not needed], params.beams):
        rows = [_row(translator, source, prompt, params) for source in batch]
        logits, state = read(decoder, [row.ids for row in rows], batch, decoder.device)
        most = max(row.max_new_tokens for row in rows)
        made, beams = processors_of(translator, params, most), _beams(translator, params, most)
        results = beam_search(decoder.step, logits, state, rows, beams, translator.eos_ids, made)
        known |= {(source, ()): result for source, result in zip(batch, results, strict=True)}
        advance(sum(different[source, ()] for source in batch))
    return [known[key] for key in zip(sources, wanted, strict=True)]


def batches_of(sources: Iterable[Source], beams: int) -> Iterator[list[Source]]:
    """Yield sources in batches, those of similar length together, longest first: what is too large is met at once."""
    batch: list[Source] = []
    for source in sorted(sources, key=len, reverse=True):
        rows = beams * (len(batch) + 1)
        if batch and (rows > ROWS_AT_ONCE or (len(batch) + 1) * len(batch[0]) > TOKENS_AT_ONCE):
            yield batch
            batch = []
        batch.append(source)
    if batch:
        yield batch


def _row(
    translator: "Translator", source: Source, prompt: Sequence[int], params: TranslationParams, more: int = 0
) -> TokenSequence:
    """Return the sequence of a translation before its first token, with how long it may get: as the model allows."""
    most = min(translator.room(prompt), params.most(len(source), len(prompt)) + more)
    return TokenSequence(list(prompt), len(prompt), max_new_tokens=max(1, most))


def _beams(translator: "Translator", params: TranslationParams, most: int, **changes: int) -> BeamParams:
    """Return the parameters of a search; what every translation begins with counts as its length."""
    return params.beam_params(most, length_offset=params.length_offset + len(translator.prefix_ids), **changes)


def _with_phrases(
    translator: "Translator",
    decoder: SourceDecoder,
    source: Source,
    prompt: Source,
    params: TranslationParams,
    phrases: Sequence[Phrase],
) -> list[Hypothesis]:
    """Return the best translations with all phrases; the search has a beam more for each of their tokens."""
    tokens = sum(phrase.tokens for phrase in phrases)
    row = _row(translator, source, prompt, params, more=tokens)
    logits, state = read(decoder, [prompt], [source], decoder.device)
    beams = _beams(translator, params, row.max_new_tokens, beams=params.beams + tokens)
    made = processors_of(translator, params, row.max_new_tokens)
    return constrained_beam_search(decoder.step, logits, state, row, phrases, beams, translator.eos_ids, made)


def _sampled(
    translator: "Translator",
    decoder: SourceDecoder,
    sources: Sequence[Source],
    prompt: Source,
    params: TranslationParams,
    sampling: SamplingParams,
) -> Found:
    """Return n samples of each source, in the order they are drawn; each text has random numbers of its own."""
    repeated = [source for source in sources for _ in range(params.n)]
    requests = list(requests_of(itertools.repeat(prompt, len(repeated)), sampling, repeated))
    rows = [_row(translator, source, prompt, params) for source in repeated]
    ends, numbers = translator.eos_ids, {id(request): number for number, request in enumerate(requests)}
    finished = lambda row: row.ids[-1] in ends or len(row.new_ids) >= row.max_new_tokens
    made = sampling.logits_processors(processors_of(translator, params, max(row.max_new_tokens for row in rows)))
    strategy = Strategy(sampling.sampler(), made, finished)
    prepare = lambda request: (request.sequence(rows[numbers[id(request)]].max_new_tokens), strategy)
    ids: list[list[int]] = [[] for _ in requests]
    logprobs = [0.0] * len(requests)
    size = max(params.n, SAMPLES_AT_ONCE)
    for events in run(decoder, requests, prepare, size, params.n, 0, decoder.device):
        for event in events:
            ids[event.token.row].append(event.token.id)
            logprobs[event.token.row] += event.token.logprob
    found = [
        Hypothesis(tuple(new), logprob, logprob, new[-1] in ends) for new, logprob in zip(ids, logprobs, strict=True)
    ]
    return [found[at : at + params.n] for at in range(0, len(found), params.n)]
