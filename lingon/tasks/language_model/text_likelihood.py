"""How well a language model predicts documents: loss, perplexity and bits per byte, by the exact softmax."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lingon.core.errors import UserError
from lingon.metrics.scores import Scores
from lingon.tasks.language_model.objective import cached_likelihood, check_likelihood, likelihood, recurrent

if TYPE_CHECKING:
    from lingon.tasks.language_model.language_model import LanguageModel

CONTEXT = 256  # tokens that are read at a time by a model that has no longest context


def text_scores(language: "LanguageModel", texts: Iterable[str], cache: bool = False) -> Scores:
    """Return the metrics on documents, each of which ends with an end token of the model.

    cache: of a recurrent model, recent states vote too. Raises UserError for less than two tokens, NotFinite for
    broken weights.
    """
    model, texts = language.model, list(texts)
    if cache and not recurrent(model):
        raise UserError("--cache remembers the states of an LSTM; this model has its whole context before it anyway")
    end = list(language.eos_ids[:1])
    tokens = np.array([i for ids in language.tokenizer.encode_batch(texts) for i in [*ids, *end]])
    if len(tokens) < 2:
        raise UserError("the text has less than two tokens, so there is none to predict")
    size = sum(len(text.encode()) for text in texts)
    if cache:
        found = replace(cached_likelihood(model, tokens), bytes=size)
    else:
        found = likelihood(model, tokens, getattr(model, "context_length", CONTEXT), rows=8, bytes=size)
    return Scores(check_likelihood(found).scores(), "perplexity")
