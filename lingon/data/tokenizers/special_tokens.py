"""Special tokens spelt out in a user's text: they stay text, or become the unknown token instead."""

import json

import tokenizers
from tokenizers import models

from lingon.data.tokenizers.vocab import PAD

PADDINGS = ("[PAD]", "<pad>", "<|pad|>", "<|padding|>")  # its names in published tokenizers


def special_token_replacements(library: tokenizers.Tokenizer) -> dict[int, int | None]:
    """Return for each special token that could result from a text the id to use instead: that of unknown words.

    The library does not match special tokens in a text, except those that are entries of its model, as of a word
    tokenizer. The id is None if such a tokenizer has no unknown token.
    """
    special = {token.content: i for i, token in library.get_added_tokens_decoder().items() if token.special}
    if (pad := library.token_to_id(PAD)) is not None:
        special[PAD] = pad
    names = [*special]
    texts = [text for name in names for text in (name, f"a {name} a")]
    found = library.encode_batch(texts, add_special_tokens=False)
    typed = [n for k, n in enumerate(names) if any(special[n] in e.ids for e in found[2 * k : 2 * k + 2])]
    if isinstance(library.model, models.Unigram | models.BPE):  # a piece not found at a word's start may be inside
        own = library.get_vocab(with_added_tokens=False).keys() - {*typed}
        typed += [n for n in names if n in own and any(t.id == special[n] for t in library.model.tokenize(n))]
    if not typed:
        return {}
    unknown = unknown_id(library)
    return {special[name]: unknown for name in typed if special[name] != unknown}


def padding_id(library: tokenizers.Tokenizer) -> int | None:
    """Return the id of the padding token: ours, the one in its file, or one with a usual name; else None."""
    named = (library.padding or {}).get("pad_token")
    special = {token.content for token in library.get_added_tokens_decoder().values() if token.special}
    names = [PAD, *(name for name in (named, *PADDINGS) if name in special)]
    return next((found for name in names if (found := library.token_to_id(name)) is not None), None)


def unknown_id(library: tokenizers.Tokenizer) -> int | None:
    """Return the id of the unknown token; None if the tokenizer can encode every text without one."""
    model = json.loads(library.to_str())["model"]
    if isinstance(name := model.get("unk_token"), str):
        return library.token_to_id(name)
    return model.get("unk_id")
