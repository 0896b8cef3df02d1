"""From pairs of texts and weights to start from, to an encoder that is ready to be trained on them."""

import sys
from collections.abc import Callable
from typing import Any

from torch import nn

from lingon.core.seed import seed_everything
from lingon.data.batches import Loader
from lingon.engine.distributed import unwrap
from lingon.kernels.allocator import keep_freed_memory
from lingon.models.registry import entry_of_model, name_of
from lingon.tasks.embed.columns import TrainData, train_data
from lingon.tasks.embed.embedder import Embedder
from lingon.tasks.embed.from_weights import embedder_of
from lingon.tasks.embed.held_out import HeldOut
from lingon.tasks.embed.objective import Comparison, compare_by, comparison_loss
from lingon.tasks.embed.scoring import scoring_of
from lingon.tasks.embed.settings import Settings
from lingon.tasks.settings import filled_in
from lingon.tasks.training import TrainContext, Training
from lingon.tasks.tuning import apply_tuning, set_dropout

FEW = 0.5  # of the wanted rows of a batch: fewer are told


def prepare(data: Any, settings: Settings, context: TrainContext) -> Training:
    """Return an encoder with the weights that the context names, ready to be trained on pairs of texts.

    data: `PairSplits`, or of texts with labels `Splits`.
    """
    pretrained = context.pretrained
    assert pretrained is not None, "settings without weights to start from are refused"
    keep_freed_memory()
    seed_everything(settings.seed)
    task = started_embedder(pretrained.take(), settings)
    task.model.to(context.device)
    before = task.evaluate(data.valid)
    apply_tuning(set_dropout(task.model, settings.dropout), settings)
    found = train_data(data.train, settings, task.token_ids, task.tokenizer.pad_id)
    _tell_small_batches(found, settings, context.world.rank)
    batches = Loader(found.columns, found.order, context.world.rank, context.world.size)
    compare = compare_by(filled_in(settings.loss), settings.temperature, settings.widths())
    held_out = HeldOut(task, data.test, settings.widths())
    entry = entry_of_model(task.model)
    return Training(
        task=task,
        module=Comparison(task.model, task.pooled, compare, found.texts, task.tokenizer.pad_id),
        batches=batches,
        loss=comparison_loss(found.texts, found.targets),
        evaluator=_evaluator(task, data.valid),
        metric=before.main,
        test=held_out.scores,
        models={"model": name_of(task.model)},
        facts={"data": data.source, "padding": batches.padding, "before": dict(before)},
        report=held_out.report,
        sample=held_out.extremes,
        encoder=task.model if entry is not None and entry.hub_weights is not None else None,
    )


def started_embedder(source: Any, settings: Settings) -> Embedder:
    """Return the encoder of a loaded task, with the pooling and the length of the settings."""
    found = embedder_of(source)
    assert found is not None, "weights without an encoder are refused"
    return Embedder(found.model, found.tokenizer, filled_in(settings.pooling), found.normalize, settings.max_length)


def _evaluator(task: Embedder, examples: Any) -> Callable[[nn.Module], dict[str, float]]:
    """A function of the module that scores its encoder on these examples, whose texts become ids only once.

    Broken weights give NaN here: a model that is being trained may recover.
    """
    scoring = scoring_of(examples)
    ids = task.token_ids(scoring.texts)

    def evaluate(module: nn.Module) -> dict[str, float]:
        model = unwrap(module).get_submodule("model")
        return scoring.of(Embedder(model, task.tokenizer, task.pooling, task.normalize).encode_ids(ids))

    return evaluate


def _tell_small_batches(found: TrainData, settings: Settings, rank: int) -> None:
    rows, wanted = found.order.count / len(found.order), min(filled_in(settings.batch_size), found.order.count)
    if settings.loss == "in-batch-negatives" and rows < FEW * wanted and rank == 0:
        print(
            f"batches have {rows:.0f} pairs, not {wanted}: many pairs share texts, and no two of those may be in "
            "one batch, where each would be a negative of the other",
            file=sys.stderr,
        )
