"""What `lingon score` and `lingon evaluate` do with a language model."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from lingon.core.errors import UserError
from lingon.core.strict_json import dumps
from lingon.data.running_text import is_corpus
from lingon.metrics.likelihood import exp
from lingon.tasks.generate import LanguageModel
from lingon.tasks.language_modeling import cached_likelihood, finite, likelihood, recurrent

Read = Callable[[str], Iterator[str]]


def scored(model: LanguageModel, text: str, as_json: bool) -> str:
    """A line per token with its log-probability, and the sum."""
    found = model.score(text)
    total = sum(x for _, x in found)
    if as_json:
        return dumps({"tokens": [{"token": t, "logprob": x} for t, x in found], "logprob": total})
    lines = [f"{t!r:24} {x:9.4f}" for t, x in found]
    perplexity = exp(-total / len(found))
    written = f"{perplexity:.2f}" if perplexity < 1e9 else f"{perplexity:.3g}"
    return "\n".join([*lines, f"{'all':24} {total:9.4f}   perplexity {written}"])


def likelihood_of(model: LanguageModel, read: Read, data: str, part: str | None, cache: bool) -> dict[str, float]:
    """Loss, perplexity and bits per byte of a text, by the exact softmax; with `cache`, states of the past vote too.

    read: gives the documents of a part. part: "train", "valid", "test" or "all"; None is the test part of a corpus, and
    all of a file or folder.
    """
    if cache and not recurrent(model.model):
        raise UserError("--cache remembers the states of an LSTM; this model has its whole context before it anyway")
    part = part or ("test" if is_corpus(data) else "all")
    texts = list(read(part))
    end = list(model.ends[:1])
    tokens = [i for ids in model.tokenizer.encode_batch(texts) for i in [*ids, *end]]
    if len(tokens) < 2:
        raise UserError(f"{data}: its part {part!r} has no text")
    import numpy as np

    context = getattr(model.model, "context", 256)
    size = sum(len(text.encode()) for text in texts)
    if cache:
        return finite(replace(cached_likelihood(model.model, np.array(tokens)), bytes=size)).scores()
    return finite(likelihood(model.model, np.array(tokens), context, rows=8, bytes=size)).scores()
