"""How captions are found: a beam search of a batch, or samples, by the loops of `lingon.decoding`."""

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch

from lingon.decoding.beam import beam_search
from lingon.decoding.beam_params import Hypothesis
from lingon.decoding.decoder_protocol import TokenSequence
from lingon.decoding.logits_processors import suppress
from lingon.decoding.prefill import read
from lingon.decoding.request import Request, requests_of
from lingon.decoding.run import Strategy, run
from lingon.decoding.sampling_params import SamplingParams
from lingon.tasks.caption.decoder import ImageSource, image_decoder
from lingon.tasks.caption.params import CaptionParams

if TYPE_CHECKING:
    from lingon.tasks.caption.captioner import Captioner

ROWS_AT_ONCE = 128  # images of a batch, times the beams


@torch.inference_mode()
def generate(captioner: "Captioner", images: Sequence[ImageSource], params: CaptionParams) -> list[list[Hypothesis]]:
    """Return the best captions of each image, best first; or samples, in the order they are drawn.

    Equal images are captioned once, but for samples. Raises NotFinite for broken weights.
    """
    if not images:
        return []
    if params.sampling is not None:
        return _sampled(captioner, images, params, params.sampling)
    decoder, most = image_decoder(captioner.model), params.most(captioner.model.context_length)
    known: dict[ImageSource, list[Hypothesis]] = {}
    for batch in _batches(list(dict.fromkeys(images)), max(1, ROWS_AT_ONCE // params.beams)):
        prompt = [captioner.model.start_id]
        rows = [TokenSequence(list(prompt), 1, max_new_tokens=most) for _ in batch]
        logits, state = read(decoder, [prompt] * len(batch), batch, decoder.device)
        never = [suppress(captioner.forbidden_ids())]
        results = beam_search(decoder.step, logits, state, rows, params.beam_params(most), captioner.eos_ids, never)
        known |= dict(zip(batch, results, strict=True))
    return [known[image] for image in images]


def _batches(images: Sequence[ImageSource], size: int) -> Iterator[Sequence[ImageSource]]:
    return (images[start : start + size] for start in range(0, len(images), size))


def _sampled(
    captioner: "Captioner", images: Sequence[ImageSource], params: CaptionParams, sampling: SamplingParams
) -> list[list[Hypothesis]]:
    """Return n samples of each image; each text has random numbers of its own."""
    most, ends = params.most(captioner.model.context_length), captioner.eos_ids
    # Beside a text that fills the context, a new one of a running batch may have all of it before it.
    decoder = image_decoder(captioner.model, 2 * captioner.model.context_length)
    repeated = [image for image in images for _ in range(params.n)]
    prompts = itertools.repeat((captioner.model.start_id,), len(repeated))
    made = sampling.logits_processors([suppress(captioner.forbidden_ids())])
    finished = lambda row: row.ids[-1] in ends or len(row.new_ids) >= most
    strategy = Strategy(sampling.sampler(), made, finished)
    prepare = lambda request: (request.sequence(most), strategy)
    requests: list[Request] = list(requests_of(prompts, sampling, repeated))
    ids: list[list[int]] = [[] for _ in requests]
    logprobs = [0.0] * len(requests)
    size = max(params.n, ROWS_AT_ONCE // 2)
    for events in run(decoder, requests, prepare, size, params.n, 0, decoder.device):
        for event in events:
            ids[event.token.row].append(event.token.id)
            logprobs[event.token.row] += event.token.logprob
    pairs = zip(ids, logprobs, strict=True)
    found = [Hypothesis(tuple(new), logprob, logprob, new[-1] in ends) for new, logprob in pairs]
    return [found[at : at + params.n] for at in range(0, len(found), params.n)]
