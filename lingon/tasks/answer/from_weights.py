"""An answerer's training from pretrained weights: an encoder gets a head, an answerer of ours is trained further."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lingon.core.errors import UserError
from lingon.models.encoder_answerer import EncoderAnswerer
from lingon.tasks.answer.answerer import Answerer
from lingon.tasks.model_options import refuse_unused
from lingon.tasks.pretrained import Pretrained, encoder_in
from lingon.tasks.settings import filled_in
from lingon.tasks.tuning import apply_tuning, set_dropout
from lingon.tasks.tuning_options import refuse_fresh

if TYPE_CHECKING:
    from lingon.tasks.answer.settings import Settings


USUAL_LENGTH = 384  # tokens of a window (Devlin et al. 2019, their code)


def started(settings: "Settings", pretrained: Pretrained) -> "Settings":
    """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
    task = pretrained.task
    encoder = encoder_in(task)
    if encoder is None:
        raise pretrained.error("an encoder of blocks, such as minilm-l6, or a model that stands on one")
    refuse_fresh(settings, pretrained)
    most, given = getattr(encoder, "context_length", None), settings.max_length
    if most is not None and given is not None and given > most:
        raise UserError(f"--max-length is {given:,}, but {pretrained.name} reads {most:,} tokens at most")
    usual = task.max_length if isinstance(task, Answerer) else min(USUAL_LENGTH, most or USUAL_LENGTH)
    found = replace(settings, max_length=given or usual)
    refuse_unused(found)
    return found


def started_answerer(source: Any, settings: "Settings", name: str) -> Answerer:
    """Return an answerer with the weights of a loaded task, ready to be trained as the settings say.

    name: of the weights, for messages. Raises UserError for a tokenizer that puts nothing between two texts.
    """
    model = source.model if isinstance(source, Answerer) else EncoderAnswerer(encoder_in(source))
    if not source.tokenizer.library.num_special_tokens_to_add(is_pair=True):
        raise UserError(f"{name} has no template for pairs of texts; train a model of your own, without --from")
    return Answerer(
        apply_tuning(set_dropout(model, settings.dropout), settings),
        source.tokenizer,
        filled_in(settings.max_length),
        filled_in(settings.doc_stride),
        settings.max_answer_length,
    )
