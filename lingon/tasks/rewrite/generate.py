"""Sentences that a generator writes, by beam search."""

from collections.abc import Sequence

import torch
from torch import nn

from lingon.decoding.beam import beam_search
from lingon.decoding.beam_params import BeamParams
from lingon.decoding.decoder_protocol import TokenSequence
from lingon.decoding.logits_processors import suppress
from lingon.decoding.prefill import read
from lingon.tasks.rewrite.encoding import RewriteEncoder
from lingon.tasks.translate.decoder import source_decoder

BEAMS = 4
AT_ONCE = 32  # sentences
ROOM = 8  # tokens that a sentence may be longer than twice what was read


@torch.inference_mode()
def generate(
    model: nn.Module, encoder: RewriteEncoder, sources: Sequence[tuple[int, ...]], beams: int = BEAMS
) -> list[list[str]]:
    """Return the words that a generator writes for each source. Equal sources are read once."""
    decoder, found = source_decoder(model), dict[tuple[int, ...], list[str]]()
    different = sorted(set(sources), key=lambda source: (len(source), source))
    never = suppress(torch.tensor(encoder.never))
    most = decoder.model.context_length - 1
    for begin in range(0, len(different), AT_ONCE):
        some = different[begin : begin + AT_ONCE]
        logits, state = read(decoder, [[encoder.start]] * len(some), some, decoder.device)
        rooms = [min(2 * len(source) + ROOM, most) for source in some]
        rows = [TokenSequence([encoder.start], 1, max_new_tokens=room) for room in rooms]
        params = BeamParams(beams, max(rooms))
        for source, best in zip(
            some, beam_search(decoder.step, logits, state, rows, params, [encoder.end], [never]), strict=True
        ):
            found[source] = encoder.words(best[0].ids)
    return [found[source] for source in sources]
