"""A parser's training from pretrained weights: an encoder gets a parser on it, a parser of ours keeps its own."""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lingon.engine.world import world
from lingon.models.encoder_parser import EncoderParser
from lingon.tasks.model_options import refuse_unused
from lingon.tasks.parse.parser import Parser
from lingon.tasks.pretrained import Pretrained, encoder_in
from lingon.tasks.tuning import apply_tuning, set_dropout
from lingon.tasks.tuning_options import refuse_fresh

if TYPE_CHECKING:
    from lingon.tasks.parse.settings import Settings


def started(settings: "Settings", pretrained: Pretrained) -> "Settings":
    """Return the settings for a training that starts from these weights; see `TrainSettings.started`."""
    if encoder_in(pretrained.task) is None:
        raise pretrained.error("a parser, or an encoder such as minilm-l6")
    refuse_fresh(settings, pretrained)
    found = replace(settings, model="encoder_parser")
    refuse_unused(found)
    return found


def started_parser(source: Any, relations: list[str], settings: "Settings", name: str) -> Parser:
    """Return a parser with the weights of a loaded task, ready to be trained as the settings say.

    A parser with these relations, or more, is trained further. With others it keeps all but its relation scores, which
    is reported. name: of the weights, for the message.
    """
    if isinstance(source, Parser) and set(relations) <= set(source.relations):
        model, relations = source.model, source.relations
    elif isinstance(source, Parser):
        model = EncoderParser(source.model.encoder, len(relations), *source.model.widths)
        own = source.model.state_dict()
        model.load_state_dict(model.state_dict() | {k: own[k] for k in own if not k.startswith("relations.")})
        if world().rank == 0:
            new = ", ".join(sorted(set(relations) - set(source.relations))[:3])
            print(
                f"{name} does not know all relations ({new}, ...): its relation scores are initialized anew",
                file=sys.stderr,
            )
    else:
        model = EncoderParser(encoder_in(source), len(relations))
    set_dropout(model.encoder, None)
    if settings.dropout is not None:
        model.dropout = settings.dropout
    return Parser(apply_tuning(model, settings), source.tokenizer, relations)
