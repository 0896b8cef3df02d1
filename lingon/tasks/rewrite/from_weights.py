"""A rewriter's training that starts from a trained rewriter: its generators and its tokenizer are taken over.

The markers, the sentences that are retrieved and the judges are those of the new data.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lingon.core.errors import UserError
from lingon.tasks.model_options import refuse_unused
from lingon.tasks.pretrained import Pretrained, model_name, rebuilt
from lingon.tasks.rewrite.rewriter import Rewriter
from lingon.tasks.tuning_options import refuse_dropout, refuse_fresh, refuse_head_lr, require_tuning

if TYPE_CHECKING:
    from lingon.tasks.rewrite.settings import Settings


def started(settings: "Settings", pretrained: Pretrained) -> "Settings":
    """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
    task = pretrained.task
    if not isinstance(task, Rewriter):
        raise pretrained.error("a rewriter, as lingon train rewrite leaves one in its run folder")
    refuse_fresh(settings, pretrained)
    require_tuning(settings, ("full",), "but both generators of a rewriter are trained whole")
    refuse_head_lr(settings, "a rewriter")
    model: Any = task.generators.delete
    refuse_dropout(settings, pretrained, model)
    found = replace(settings, model=model_name(model))
    refuse_unused(found)
    return found


def started_generators(source: Rewriter, settings: "Settings") -> list[Any]:
    """Return both generators of a loaded rewriter, ready to be trained as the settings say."""
    models = [source.generators.delete, source.generators.delete_retrieve]
    if settings.dropout is not None:
        models = [rebuilt(model, dropout=settings.dropout)[0] for model in models]
    return [model.requires_grad_(True) for model in models]


def check_lengths(source: Rewriter, name: str, longest: int, needed: int) -> None:
    """Raise UserError for training sentences that the generators cannot read or write.

    name: of --from. longest: tokens of the longest sentence. needed: tokens of the longest that is read.
    """
    model = source.generators.delete
    if longest + 1 > model.context_length or needed > model.source_length:
        raise UserError(
            f"a training sentence has {longest:,} tokens, the generators of --from {name} write at most "
            f"{model.context_length - 1:,} and read {model.source_length:,}; lower --max-length"
        )
