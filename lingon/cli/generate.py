"""What `lingon generate`, `lingon score` and `lingon evaluate` do with a language model."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import lingon
from lingon.core.errors import UserError
from lingon.core.files import read_json
from lingon.data.running_text import documents_of
from lingon.decoding.beam import Beams
from lingon.tasks.generate import LanguageModel, Manner
from lingon.tasks.language_modeling import cached_likelihood, likelihood, recurrent


def language_model(source: str, device: str) -> LanguageModel:
    """The language model of a bundle. Raises UserError when it is something else."""
    model = lingon.load(source, device)
    if not isinstance(model, LanguageModel):
        raise UserError(f"{source!r} is a classifier, which writes nothing; try: lingon predict {source} 'A text.'")
    return model


def manner_of(schema: Path | None, **named: Any) -> Manner:
    """How to write, from the flags."""
    return Manner(schema=None if schema is None else read_json(schema), **named)


def show(model: LanguageModel, prompt: str, manner: Manner, beams: int | None, draft: LanguageModel | None) -> None:
    """Prints the prompt and what follows, as it comes."""
    print(prompt, end="", flush=True)
    if beams is not None:
        best = model.search(prompt, Beams(beams, manner.tokens), manner)[0]
        print(f"{best[0]}\n[log-probability {best[1]:.3f}]")
        return
    pieces = model.drafted(prompt, manner, draft) if draft else model.generate(prompt, manner)
    for piece in pieces:
        print(piece, end="", flush=True)
    print()


def scored(model: LanguageModel, text: str, as_json: bool) -> str:
    """A line per token with its log-probability, and the sum."""
    found = model.score(text)
    total = sum(x for _, x in found)
    if as_json:
        return json.dumps({"tokens": [{"token": t, "logprob": x} for t, x in found], "logprob": total})
    lines = [f"{t!r:24} {x:9.4f}" for t, x in found]
    return "\n".join([*lines, f"{'all':24} {total:9.4f}   perplexity {math.exp(-total / len(found)):.2f}"])


def likelihood_of(model: LanguageModel, data: str, part: str, cache: bool, accept: bool) -> dict[str, float]:
    """Loss, perplexity and bits per byte of a text, by the exact softmax; with `cache`, states of the past vote too."""
    if cache and not recurrent(model.model):
        raise UserError("--cache remembers the states of an LSTM; this model has its whole context before it anyway")
    texts = list(documents_of([data], part, accept))
    end = list(model.ends[:1])
    tokens = [i for ids in model.tokenizer.encode_batch(texts) for i in [*ids, *end]]
    if len(tokens) < 2:
        raise UserError(f"{data}: its part {part!r} has no text")
    import numpy as np

    context = getattr(model.model, "context", 256)
    size = sum(len(text.encode()) for text in texts)
    if cache:
        return replace(cached_likelihood(model.model, np.array(tokens)), bytes=size).scores()
    return likelihood(model.model, np.array(tokens), context, rows=8, bytes=size).scores()
