"""What changes the logits while a text is translated: tokens that are forbidden, or come only later, or at the end."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from lingon.core.shapes import Float, Tensor
from lingon.decoding.decoder_protocol import LogitsProcessor, TokenSequence
from lingon.decoding.logits_processors import forced_token, no_repeat_ngram_size, suppress
from lingon.tasks.translate.params import TranslationParams

if TYPE_CHECKING:
    from lingon.tasks.translate.translator import Translator


def processors_of(translator: "Translator", params: TranslationParams, most: int) -> list[LogitsProcessor]:
    """Return the logits processors of a translation, in the order in which `generate` of transformers has them.

    most: new tokens of a translation.
    """
    made = [no_repeat_ngram_size(params.no_repeat_ngram_size)] if params.no_repeat_ngram_size else []
    made += [suppress(translator.forbidden_ids(params.copy_unknown))]
    if params.min_length:
        made += [min_length(params.min_length, translator.eos_ids)]
    if params.forced_eos is not None and params.has_length:
        made += [forced_token(params.forced_eos, most)]
    return [*made, renormalized] if params.renormalize else made


def min_length(tokens: int, eos_ids: Sequence[int]) -> LogitsProcessor:
    """Forbid the end before a row has so many tokens, its prompt among them."""
    ends = torch.tensor(list(eos_ids))

    def process(logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence]) -> Float[Tensor, "B V"]:
        short = torch.tensor([len(row.ids) < tokens for row in rows], device=logits.device)
        return torch.where(short[:, None], logits.index_fill(1, ends.to(logits.device), -torch.inf), logits)

    return process


def renormalized(logits: Float[Tensor, "B V"], rows: Sequence[TokenSequence] = ()) -> Float[Tensor, "B V"]:
    """Return log-probabilities that sum to 1 over what is left."""
    return logits.log_softmax(-1)
