"""What changes the logits while a text is translated: tokens that are forbidden, or come only later, or at the end."""

from typing import TYPE_CHECKING

from lingon.decoding.decoder_protocol import LogitsProcessor
from lingon.decoding.logits_processors import (
    forbidden_phrases,
    forced_token,
    min_length,
    no_repeat_ngram_size,
    repetition_penalty,
    suppress,
)
from lingon.decoding.token_rules import renormalize
from lingon.tasks.translate.params import TranslationParams

if TYPE_CHECKING:
    from lingon.tasks.translate.translator import Translator


def processors_of(translator: "Translator", params: TranslationParams, most: int) -> list[LogitsProcessor]:
    """Return the logits processors of a translation, in the order in which `generate` of transformers has them.

    most: new tokens of a translation.
    """
    made = [repetition_penalty(params.repetition_penalty)] if params.repetition_penalty != 1 else []
    made += [no_repeat_ngram_size(params.no_repeat_ngram_size)] if params.no_repeat_ngram_size else []
    made += [forbidden_phrases(params.bad_phrases)] if params.bad_phrases else []
    made += [suppress(translator.forbidden_ids(params.copy_unknown))]
    made += [min_length(params.min_length, translator.eos_ids)] if params.min_length else []
    if params.forced_eos is not None and params.has_length:
        made += [forced_token(params.forced_eos, most)]
    return [*made, renormalize] if params.renormalize else made
