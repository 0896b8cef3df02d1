"""What of a source each token of a translation attends to: for pages, and for words that the vocabulary lacks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from lingon.core.errors import UserError
from lingon.core.eval_view import eval_view
from lingon.core.shapes import Float, Tensor
from lingon.data.tokenizers import Tokenizer
from lingon.data.tokenizers.token_bytes import token_bytes

if TYPE_CHECKING:
    from lingon.tasks.translate.translation import Translation
    from lingon.tasks.translate.translator import Translator

LOST = "\ufffd"  # how tokenizers of words write one that they do not know


@torch.inference_mode()
def alignment(translator: "Translator", source: Sequence[int], ids: Sequence[int]) -> Float[Tensor, "T S"]:
    """Return how much each token of a translation attended to each of the source, when it was chosen.

    ids: of the translation, without what every translation begins with. The mean of all heads and layers.
    """
    read = [translator.model.start_id, *translator.prefix_ids, *ids][:-1]
    rows = torch.tensor([list(source)]), torch.tensor([read])
    model = eval_view(translator.model)
    found = model.cross_attention(*(row.to(translator.device) for row in rows))
    return found.float().mean((0, 1))[-len(ids) :].cpu()


def attention_of(translator: "Translator", found: "Translation") -> tuple[list[str], list[str], Float[Tensor, "T S"]]:
    """Return the tokens of a source and of its translation, and the alignment of the two."""
    (source,) = translator.source_ids([found.source])
    said = readable(translator.source, source), readable(translator.target, found.ids)
    return *said, alignment(translator, source, found.ids)


def with_copied_words(translator: "Translator", text: str, source: Sequence[int], ids: Sequence[int]) -> str:
    """Return a translation in which each unknown token is the word of the source that it attended to most."""
    weights, unknown = alignment(translator, source, ids), translator.unknown
    places = translator.source.offsets(text, len(source))
    numbers = translator.source.word_ids(text, len(source))
    words = torch.tensor([number is not None for number in numbers])
    weights = weights[:, : len(words)].masked_fill(~words, -1.0)
    kept = [i for i in ids if i == unknown or i not in translator.no_text]
    said = translator.target.decode(kept).strip()
    marks = [LOST, *([] if unknown is None else [translator.target.vocab.token(unknown)])]
    for row, token in zip(weights, ids, strict=True):
        if token != unknown:
            continue
        number = numbers[int(row.argmax())]
        own = [place for place, other in zip(places, numbers, strict=True) if other == number]
        mark = next((mark for mark in marks if mark in said), None)
        if number is not None and mark is not None:
            said = said.replace(mark, text[own[0][0] : own[-1][1]], 1)
    return said


def readable(tokenizer: Tokenizer, ids: Sequence[int]) -> list[str]:
    """Return what each token adds to a text; the name of a special one, which adds nothing."""
    try:
        pieces = token_bytes(tokenizer).by_id
    except UserError:  # of a tokenizer whose tokens have no text of their own
        pieces = ()
    return [
        pieces[i].decode(errors="replace") if i < len(pieces) and pieces[i] else tokenizer.vocab.token(i) for i in ids
    ]
