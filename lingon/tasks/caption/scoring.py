"""How good captions are: CIDEr-D, CIDEr and BLEU beside references, exact matches, and the loss of the references."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from lingon.core.check_finite import check_finite
from lingon.core.errors import NotFinite
from lingon.core.eval_view import eval_view
from lingon.data.captioned_images import CaptionedImages
from lingon.metrics.cider import caption_words, cider, cider_d
from lingon.metrics.scores import Scores
from lingon.metrics.translation import corpus_bleu_of_several
from lingon.tasks.caption.encoding import EncodedCaptions, encode_captions
from lingon.tasks.caption.objective import CaptionObjective, caption_loss
from lingon.tasks.caption.params import GREEDY, CaptionParams

if TYPE_CHECKING:
    from lingon.tasks.caption.caption import Caption
    from lingon.tasks.caption.captioner import Captioner

METRICS = ("cider_d", "cider", "bleu", "exact_match", "loss")
GLANCE = 400  # validation images that are captioned while training


def text_scores(captions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the scores of captions by name: of CIDEr 0 to 10, of BLEU 0 to 100, exact matches as a share.

    An exact match has the words of a reference, whatever its case and punctuation.
    """
    found, known = [caption_words(text) for text in captions], [[*map(caption_words, some)] for some in references]
    exact = [words in some for words, some in zip(found, known, strict=True)]
    mean = lambda scores: math.fsum(scores) / len(scores)
    return {
        "cider_d": mean(cider_d(found, known)),
        "cider": mean(cider(found, known)),
        "bleu": corpus_bleu_of_several(captions, references).value,
        "exact_match": mean(exact),
    }


def tested(captioner: "Captioner", examples: CaptionedImages, params: CaptionParams) -> tuple[Scores, "list[Caption]"]:
    """Return all metrics on captioned images, and the captions. Raises NotFinite for broken weights."""
    loss = loss_of(captioner, captioner.model, encode_captions(captioner, examples))
    check_finite(torch.tensor(loss), "the model gave losses")
    found = [some[0] for some in captioner.n_best(list(examples.pixels), params)]
    values = text_scores([one.caption for one in found], examples.captions)
    return Scores({**values, "loss": loss}, METRICS[0]), found


@torch.inference_mode()
def loss_of(captioner: "Captioner", model: nn.Module, encoded: EncodedCaptions) -> float:
    """Return the mean loss of all tokens of the captions, without label smoothing; of broken weights NaN."""
    objective = CaptionObjective(eval_view(model))
    total = count = 0.0
    for batch in encoded.sequential(captioner.model.pad_id):
        loss = caption_loss(objective, batch.to(captioner.device))
        total, count = total + float(loss.total), count + loss.count
    return total / count


def evaluator(captioner: "Captioner", examples: CaptionedImages) -> Callable[[nn.Module], dict[str, float]]:
    """Return a function of the model, or its objective, that scores greedy captions of some images, and the loss.

    Broken weights give NaN here: a model that is being trained may recover.
    """
    encoded, some = encode_captions(captioner, examples), examples[:GLANCE]

    def evaluate(module: nn.Module) -> dict[str, float]:
        model = module.model if isinstance(module, CaptionObjective) else module
        loss = {"loss": loss_of(captioner, model, encoded)}
        try:
            found = captioner.with_model(model).n_best(list(some.pixels), GREEDY)
        except NotFinite:
            return dict.fromkeys(METRICS, math.nan) | loss
        return text_scores([one[0].caption for one in found], some.captions) | loss

    return evaluate
