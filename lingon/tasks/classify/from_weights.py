"""A classifier's training from pretrained weights: a published encoder gets a head, a classifier of ours its own."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import nn

from lingon.core.errors import UserError
from lingon.engine.training_parts import OPTIMIZERS
from lingon.engine.world import world
from lingon.models.encoder_classifier import EncoderClassifier
from lingon.models.registry import get_entry
from lingon.tasks.classify.classifier import Classifier
from lingon.tasks.classify.settings import FINE_TUNING
from lingon.tasks.classify.targets.target import Targets
from lingon.tasks.embed.embedder import Embedder
from lingon.tasks.masked_language_model import MaskedLanguageModel
from lingon.tasks.model_options import gradient_settings, refuse_unused
from lingon.tasks.pretrained import Pretrained, model_name, rebuilt
from lingon.tasks.tuning import apply_tuning, set_dropout
from lingon.tasks.tuning_options import refuse_fresh, require_tuning

if TYPE_CHECKING:
    from lingon.tasks.classify.settings import Settings

ENCODER = "encoder"  # the model of a head on an encoder, in the registry
SLOWER = 0.25  # a trained classifier needs smaller steps than a fresh one


def started(settings: "Settings", pretrained: Pretrained) -> "Settings":
    """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
    task = pretrained.task
    if not isinstance(task, Classifier | Embedder | MaskedLanguageModel):
        raise pretrained.error("a classifier, or an encoder such as minilm-l6")
    refuse_fresh(settings if settings.tuning != "frozen" else replace(settings, C=None), pretrained)
    name = model_name(task.model) if isinstance(task, Classifier) else ENCODER
    entry = get_entry(name)
    if not OPTIMIZERS[entry.optimizer].gradient:
        raise UserError(
            f"--from {pretrained.name} is of the model {name}, which is trained to its optimum from wherever it "
            "begins; train it anew, without --from"
        )
    if name != ENCODER:
        require_tuning(settings, ("full",), f"but {pretrained.name} is not a head on an encoder")
        if settings.head_lr is not None:
            raise UserError(f"--head-lr is {settings.head_lr}, but {pretrained.name} is not a head on an encoder")
    if settings.tuning == "contrastive" and settings.head_lr is not None:
        raise UserError(f"--head-lr is {settings.head_lr}, but after --tuning contrastive the head goes to an optimum")
    if settings.tuning == "contrastive" and settings.refit:
        raise UserError("--refit is not available for --tuning contrastive; leave it out")
    most, given = getattr(task.model, "context_length", None), settings.max_length
    if most is not None and given is not None and given > most:
        raise UserError(f"--max-length is {given:,}, but {pretrained.name} reads {most:,} tokens at most")
    found = replace(settings, model=name, max_length=given or getattr(task, "max_length", most))
    if settings.tuning == "frozen":
        _refuse_gradients(settings)
    else:
        refuse_unused(found)
    if settings.tuning is None and not (isinstance(task, Embedder) and _may_be_frozen(settings)):
        found = replace(found, tuning="full")
    if isinstance(task, Classifier) and name == ENCODER and settings.head_lr is None:
        found = replace(found, head_lr=settings.lr or FINE_TUNING["lr"])  # its head has learned already
    if isinstance(task, Classifier) and name != ENCODER and settings.lr is None and "lr" in entry.defaults:
        found = replace(found, lr=SLOWER * float(entry.defaults["lr"]))
    return found


def _refuse_gradients(settings: "Settings") -> None:
    """Raise UserError for a setting of gradient descent: the head on frozen vectors goes to the optimum of its loss."""
    for name in gradient_settings(settings):
        flag = f"--{name.replace('_', '-')} is {getattr(settings, name)}"
        raise UserError(f"{flag}, which --tuning frozen does not have: its head goes to an optimum; leave it out")


def _may_be_frozen(settings: "Settings") -> bool:
    """Return whether a head on frozen vectors has all that the settings name."""
    if settings.loss != "cross-entropy" or settings.compile:
        return False
    return not gradient_settings(settings)


def started_classifier(
    source: Any, targets: Targets, settings: "Settings", name: str, text_pair: bool = False
) -> Classifier:
    """Return a classifier with the weights of a loaded task, ready to be trained as the settings say.

    A classifier whose targets are these, or more of the same kind, is trained further; others get a new head, which is
    reported. name: of the weights, for the message. text_pair: of pairs of texts.
    """
    if isinstance(source, Classifier):
        model, targets = _own(source, targets, settings, name)
    elif isinstance(source, MaskedLanguageModel):
        model = EncoderClassifier(source.encoder, targets.outputs)
    else:
        model = EncoderClassifier(source.model, targets.outputs, source.pooling)
    model = _with_dropout(model, settings.dropout)
    tokenizer, tuned = source.tokenizer, apply_tuning(model, settings)
    if text_pair and not tokenizer.library.num_special_tokens_to_add(is_pair=True):
        raise UserError(f"{name} has no template for pairs of texts; train a model of your own, without --from")
    return Classifier(tuned, tokenizer, targets, settings.max_length, text_pair=text_pair)


def _own(source: Classifier, targets: Targets, settings: "Settings", name: str) -> tuple[nn.Module, Targets]:
    if targets.problem_type == source.targets.problem_type and set(targets.labels) <= set(source.labels):
        return source.model, targets if targets.labels == source.labels else source.targets
    model, fresh = rebuilt(source.model, classes=targets.outputs)
    if world().rank == 0:
        labels = _some(source.labels) if source.labels else source.targets.problem_type
        print(
            f"the labels differ from those of {name} ({labels}): {', '.join(fresh)} are initialized anew",
            file=sys.stderr,
        )
    return model, targets


def _with_dropout(model: nn.Module, dropout: float | None) -> nn.Module:
    """Return the model with another dropout, where one is named; see `set_dropout` for a head on an encoder."""
    if isinstance(model, EncoderClassifier):
        return set_dropout(model, dropout)
    return model if dropout is None else rebuilt(model, dropout=dropout)[0]


def _some(labels: Sequence[str]) -> str:
    return ", ".join(labels[:3]) + (", ..." if len(labels) > 3 else "")
