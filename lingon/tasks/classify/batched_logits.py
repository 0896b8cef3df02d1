"""Logits of many texts: computed in batches of similar length, in a precision, and given in the order of the texts."""

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Tensor
from lingon.data.batches import text_batches
from lingon.kernels.fast_inference import autocast_for
from lingon.tasks.classify.columns import types_of
from lingon.tasks.classify.encoding import Encoded
from lingon.tasks.classify.objective import logits_of
from lingon.tasks.precision import EXACT, View

if TYPE_CHECKING:
    from lingon.tasks.classify.classifier import Classifier

TOKENS_AT_ONCE = 16_384  # per batch when predicting: large enough to keep two cores busy, small enough for any laptop


def exact_view(model: nn.Module) -> View:
    """Return a model, as it is being trained, to be computed with in float32."""
    return View(eval_view(model), EXACT)


@torch.inference_mode()
def batched_logits(
    classifier: "Classifier", view: View, encoded: Encoded, tokens: int = TOKENS_AT_ONCE
) -> Float[Tensor, "n C"]:
    """Return the logits of encoded texts in float32, broken ones too. view: the model, and its precision."""
    ids, out = encoded.ids, torch.empty(len(encoded.ids), classifier.targets.outputs)
    how: dict[str, Any] = {"max_tokens": tokens, "shuffle": False, "pad": classifier.tokenizer.pad_id}
    for batch in text_batches(ids, columns=types_of(encoded), **how) if ids else ():
        batch = batch.to(classifier.device)
        with autocast_for(view.precision):
            out[batch.index] = logits_of(view.model, batch).float().cpu()
    return out
