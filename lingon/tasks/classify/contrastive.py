"""Few labels: the encoder learns which texts have the same label, then a head is put on its vectors.

Source: Tunstall et al. 2022, "Efficient Few-Shot Learning Without Prompts" (SetFit); the loss is that of Khosla 2020.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from lingon.core.errors import UserError
from lingon.core.shapes import Tensor
from lingon.data.batches import Batch, Column, Loader, TokenIds, Values
from lingon.data.batches.label_pairs import LabelPairs
from lingon.data.examples import Splits
from lingon.engine.convex_optimum import ConvexOptimum
from lingon.engine.distributed import distribute
from lingon.engine.loss import Loss
from lingon.layers.contrastive_losses import supervised_contrastive
from lingon.models.registry import name_of
from lingon.tasks.classify.batches import encoded
from lingon.tasks.classify.calibrate import calibrate
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.columns import text_weights, types_of
from lingon.tasks.classify.encoding import Encoded
from lingon.tasks.classify.held_out import HeldOut
from lingon.tasks.classify.settings import Settings
from lingon.tasks.classify.text_vectors import head_columns, head_loss, vectors_of
from lingon.tasks.settings import filled_in
from lingon.tasks.training import TrainContext, Training

HEAD_C = 0.1  # the inverse of the regularisation of the head


def prepare_contrastive(classifier: Classifier, data: Splits, settings: Settings, context: TrainContext) -> Training:
    """Return the training of an encoder by pairs of texts; each evaluation fits the head to its vectors anew."""
    if classifier.targets.problem_type != "single-label":
        raise UserError(
            f"--tuning contrastive compares texts of one label each; --problem-type {classifier.targets.problem_type} "
            "has none; choose full or lora"
        )
    model: Any = classifier.model
    train = encoded(classifier, data.train, settings)
    numbers = classifier.numbers(data.train.labels)
    order = LabelPairs(numbers.numpy(), filled_in(settings.batch_size), settings.seed)
    texts = TokenIds(train.ids, None, classifier.tokenizer.pad_id)
    columns: dict[str, Column] = {"texts": texts, "labels": Values("labels", numbers), **types_of(train)}
    held_out = HeldOut(classifier, data.test)
    return Training(
        task=classifier,
        module=ContrastiveObjective(model),
        batches=Loader(columns, order, context.world.rank, context.world.size),
        loss=contrastive_loss,
        evaluator=_evaluator(classifier, data, train),
        metric=filled_in(settings.metric),
        test=held_out.scores,
        models={"model": name_of(model)},
        facts={"data": data.source},
        report=held_out.report,
        sample=held_out.extremes,
        calibrate=partial(calibrate, classifier, data.valid),
        distribute=partial(distribute, unused=True),
    )


class ContrastiveObjective(nn.Module):
    """A classifier on an encoder with the loss that its encoder is trained by, as one module."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model: Any = model

    def forward(self, ids: Tensor, mask: Tensor, labels: Tensor, token_types: Tensor | None = None) -> Tensor:
        """Return the sum of the supervised contrastive losses of the texts."""
        return supervised_contrastive(self.model.vectors(ids, mask, token_types), labels)


def contrastive_loss(objective: nn.Module, batch: Batch) -> Loss:
    """The supervised contrastive loss of a batch of texts with labels."""
    types = batch.token_types if "token_types" in batch else None
    return Loss(objective(batch.ids, batch.mask, batch.labels, types), len(batch))


def _evaluator(classifier: Classifier, data: Splits, train: Encoded) -> Callable[[Any], dict[str, float]]:
    """A function of the model: fits its head to the training texts, and scores it on the validation texts."""
    valid = classifier.encoded(data.valid.inputs)
    numbers, weights = classifier.numbers(data.valid.labels), text_weights(data.valid)

    def evaluate(objective: Any) -> dict[str, float]:
        model = objective.model
        batch = Batch(head_columns(classifier, data.train, vectors_of(classifier, train)))
        device = next(model.output.parameters()).device
        optimum = ConvexOptimum(model.output.cpu(), head_loss(classifier), (HEAD_C,))
        with torch.enable_grad():
            optimum.solve(batch, HEAD_C)
        with torch.no_grad():
            found = classifier.targets.metrics_of(model.output(vectors_of(classifier, valid)), numbers, weights)
        model.output.to(device)
        return found

    return evaluate
