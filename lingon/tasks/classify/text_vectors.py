"""The vectors that the encoder of a classifier makes of texts, as what its head alone is trained on."""

from collections.abc import Callable
from typing import Any

import torch

from lingon.core.progress import track
from lingon.core.shapes import Float, Tensor
from lingon.data.batches import text_batches
from lingon.data.examples import Examples
from lingon.engine.loss import Loss
from lingon.engine.training_parts import PRECISIONS
from lingon.models.encoder_classifier import EncoderClassifier
from lingon.tasks.classify.batched_logits import TOKENS_AT_ONCE
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.columns import text_weights, types_of
from lingon.tasks.classify.encoding import Encoded


@torch.no_grad()
def vectors_of(classifier: Classifier, encoded: Encoded, precision: str = "float32") -> Float[Tensor, "n D"]:
    """Return the pooled vectors of texts by the encoder of a classifier, in their order.

    precision: of its products, as `--precision` of a training has it.
    """
    model: Any = classifier.model
    assert isinstance(model, EncoderClassifier)
    model.eval()
    ids = encoded.ids
    out = torch.empty(len(ids), model.width)
    autocast = PRECISIONS[precision]().autocast(classifier.device)
    with autocast, track(len(ids), "encoding", "text") as bar:
        how: dict[str, Any] = {"max_tokens": TOKENS_AT_ONCE, "shuffle": False, "pad": classifier.tokenizer.pad_id}
        for batch in text_batches(ids, columns=types_of(encoded), **how):
            here = batch.to(classifier.device)
            types = here.token_types if "token_types" in here else None
            out[batch.index] = model.vectors(here.ids, here.mask, types).float().cpu()
            bar.advance(len(batch))
    return out


def head_columns(classifier: Classifier, examples: Examples, vectors: Float[Tensor, "n D"]) -> dict[str, Tensor]:
    """Return vectors, labels and, where there are some, weights of texts as the columns of a loader."""
    columns = {"vectors": vectors, "labels": classifier.numbers(examples.labels)}
    weights = text_weights(examples)
    return columns if weights is None else columns | {"weights": weights}


def head_loss(classifier: Classifier) -> Callable[[Tensor, Any], Loss]:
    """Return the loss of logits on the rest of such columns, as `ConvexOptimum` takes it."""

    def loss(logits: Tensor, batch: Any) -> Loss:
        return classifier.targets.loss(logits, batch.labels, batch.weights if "weights" in batch else None)

    return loss
