"""Which tags may follow each other in a scheme of spans: I-person only behind B-person or I-person."""

from collections.abc import Sequence

import torch

from lingon.data.tag_schemes import are_spans, split_tag
from lingon.layers.crf import FORBIDDEN, Transitions


def forbidden_transitions(tags: Sequence[str]) -> Transitions | None:
    """Return the scores that keep tags of IOB2 to their scheme: 0 for what is allowed, far below for what is not.

    None where tags are not of spans, such as parts of speech: any may follow any.
    """
    if not are_spans(tags):
        return None
    parts = [split_tag(tag) for tag in tags]
    start, pairs = torch.zeros(len(tags)), torch.zeros(len(tags), len(tags))
    for after, (place, kind) in enumerate(parts):
        if place != "I":
            continue
        start[after] = FORBIDDEN
        for before, (begun, other) in enumerate(parts):
            if begun == "O" or other != kind:
                pairs[before, after] = FORBIDDEN
    return Transitions(start, pairs, torch.zeros(len(tags)))
