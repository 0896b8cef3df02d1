"""A new head at its optimum before the encoder under it is trained: linear probing, then fine-tuning.

Source: Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution": a random
head sends a gradient without meaning through weights that are good already.
"""

import copy
import sys
from typing import Any

from lingon.data.batches import Batch
from lingon.data.examples import Splits
from lingon.engine.convex_optimum import ConvexOptimum
from lingon.engine.evaluation import Best, Evaluation
from lingon.engine.world import world
from lingon.metrics.metric_table import HIGHER_IS_BETTER, metric_name
from lingon.tasks.classify.batches import encoded
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.columns import text_weights
from lingon.tasks.classify.settings import Settings
from lingon.tasks.classify.text_vectors import head_columns, head_loss, vectors_of
from lingon.tasks.settings import filled_in
from lingon.tasks.tuning_options import HEAD_PATH


def fit_head(classifier: Classifier, data: Splits, settings: Settings) -> float:
    """Put the head of a classifier at the optimum of its loss on the vectors that its encoder makes now; return its C.

    C, the inverse of the strength of the regularisation, is that of the settings, or the best on validation texts, as
    it grows until both metric and loss are worse.
    """
    model: Any = classifier.model
    parts = (encoded(classifier, part, settings) for part in (data.train, data.valid))
    train, valid = (vectors_of(classifier, part, settings.precision) for part in parts)
    batch, head = Batch(head_columns(classifier, data.train, train)), copy.deepcopy(model.output).cpu()
    optimum = ConvexOptimum(head, head_loss(classifier))
    numbers, weights = classifier.numbers(data.valid.labels), text_weights(data.valid)
    metric, best = filled_in(settings.metric), Best()
    chosen = HEAD_PATH[0]
    better = HIGHER_IS_BETTER[metric]
    watched = Evaluation(lambda _: {}, metric=metric, higher_is_better=better, patience=1, loss_is_progress=True)
    for number, C in enumerate(HEAD_PATH if settings.C is None else (settings.C,)):
        optimum.solve(batch, C)
        if best.update(watched, number, classifier.targets.metrics_of(head(valid).detach(), numbers, weights)):
            chosen = C
            model.output.load_state_dict(head.state_dict())
        elif best.exhausted(watched):
            break
    if world().rank == 0:
        # With C given, validation texts may be among those that are trained on.
        said = "" if settings.C is not None else f", validation {metric_name(metric)} {best.value:.4f}"
        print(f"the head has converged{said}; now all weights are trained", file=sys.stderr)
    return chosen
