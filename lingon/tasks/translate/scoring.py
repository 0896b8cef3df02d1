"""How good translations are: BLEU and chrF beside references, and the loss of these under the model."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.errors import NotFinite
from lingon.core.eval_view import eval_view
from lingon.core.progress import is_quiet, track
from lingon.core.terminal import printable
from lingon.metrics.scores import Scores
from lingon.metrics.translation import corpus_bleu, translation_scores
from lingon.tasks.translate.encoding import EncodedPairs, encode_pairs
from lingon.tasks.translate.objective import TranslationObjective, pair_loss
from lingon.tasks.translate.params import GREEDY, TranslationParams
from lingon.tasks.translate.translation import Translation

if TYPE_CHECKING:
    from lingon.data.parallel_texts import ParallelTexts
    from lingon.tasks.translate.translator import Translator

TOKENS_AT_ONCE = 8_192  # of both sides in a batch
GLANCE = 500  # validation pairs that are translated while training
SHOWN = 3  # of them, whose translations are shown
MAIN = "bleu"


def tested(
    translator: "Translator", examples: "ParallelTexts", params: TranslationParams
) -> tuple[Scores, list[Translation]]:
    """Return BLEU, chrF and loss on pairs, and the translations. Raises NotFinite for broken weights."""
    loss = loss_of(translator, translator.model, encode_pairs(translator, examples))
    check_finite(torch.tensor(loss), "the model gave losses")
    with track(len(examples), "translating", "text") as bar:
        found = [some[0] for some in translator.stream(examples.sources, params, advance=bar.advance)]
    texts = [one.translation for one in found]
    return translation_scores(texts, examples.targets, {"loss": loss}, language=examples.languages[1]), found


@torch.inference_mode()
def loss_of(translator: "Translator", model: nn.Module, encoded: EncodedPairs) -> float:
    """Return the mean loss of all tokens of the targets, without label smoothing; of broken weights NaN."""
    objective = TranslationObjective(eval_view(model))
    total = count = 0.0
    how: dict[str, Any] = {"max_tokens": TOKENS_AT_ONCE, "shuffle": False}
    for batch in encoded.loader(translator.model.pad_id, **how):
        loss = pair_loss(objective, batch.to(translator.device))
        total, count = total + float(loss.total), count + loss.count
    return total / count


def loss_evaluator(translator: "Translator", examples: "ParallelTexts") -> Callable[[nn.Module], dict[str, float]]:
    """Return a function of the model, or its objective, that gives the loss on these pairs."""
    encoded = encode_pairs(translator, examples)
    return lambda module: {"loss": loss_of(translator, model_in(module), encoded)}


def bleu_evaluator(translator: "Translator", examples: "ParallelTexts") -> Callable[[nn.Module], dict[str, float]]:
    """Return a function that gives BLEU of greedy translations of some of these pairs, and the loss on all.

    Some translations are shown on stderr. Broken weights give NaN here: a model that is being trained may recover.
    """
    loss, some = loss_evaluator(translator, examples), examples[:GLANCE]

    def evaluate(module: nn.Module) -> dict[str, float]:
        found = loss(module)
        try:
            texts = [one.translation for one in translator.translate(some.sources, GREEDY)]
        except NotFinite:
            return {"bleu": float("nan"), **found}
        show(some, texts)
        return {"bleu": corpus_bleu(texts, some.targets, some.languages[1]).value, **found}

    return evaluate


def show(pairs: "ParallelTexts", texts: list[str]) -> None:
    """Print some sources with their references and translations on stderr."""
    if is_quiet():
        return
    for i in range(0, len(pairs), max(1, len(pairs) // SHOWN))[:SHOWN]:
        for name, text in (("source", pairs[i].source), ("reference", pairs[i].target), ("translation", texts[i])):
            print(f"  {name:12} {printable(text)}", file=sys.stderr)


def model_in(module: nn.Module) -> nn.Module:
    """Return the model of an objective; a model as it is."""
    return module.model if isinstance(module, TranslationObjective) else module
