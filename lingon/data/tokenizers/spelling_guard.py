"""Encodes texts in which only a chat template can write special tokens, never the messages of users.

Before a template is rendered, the spelling of each special token in messages is broken by a character that no text has;
afterwards, every intact spelling comes from the template. Those are replaced by private spellings, which a copy of the
tokenizer knows instead of the public ones, so that the text is encoded as a whole, as by the original tokenizer.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import tokenizers

from lingon.data.tokenizers.id_check import check_has_embedding
from lingon.data.tokenizers.panic_guard import call_guarded
from lingon.data.tokenizers.tokenizer import Tokenizer
from lingon.data.tokenizers.vocab import SPECIALS

Offsets = list[tuple[int, int]]
# Noncharacters of Unicode, which texts do not contain; if one does, they are replaced by U+FFFD.
BREAK, PRIVATE = "\ufdd0", "\ufdd1"
NONCHARACTERS = re.compile("[\ufdd0-\ufdef]")


class SpellingGuard:
    """Special tokens of a tokenizer that a template may write, but users may not.

    special: further tokens to treat as special, even if the tokenizer does not. typed: spellings that are not allowed
    in users' texts, but in the model's own answers, such as <think>.
    """

    def __init__(self, tokenizer: Tokenizer, special: Iterable[str] = (), typed: Iterable[str] = ()):
        self.tokenizer, ids = tokenizer, tokenizer.library.get_vocab(with_added_tokens=True)
        added = tokenizer.library.get_added_tokens_decoder()
        names = [*(token.content for token in added.values() if token.special), *SPECIALS, *special]
        self.special = {name: ids[name] for name in names if name in ids}
        self.known = self.special | {name: ids[name] for name in typed if name in ids}
        self._of_model, self._of_people = _Spellings(self.special), _Spellings(self.known)

    def broken(self, text: str, of_model: bool = False) -> str:
        """Return a message with every special spelling broken. of_model: it is an answer of the assistant."""
        text, spelt = NONCHARACTERS.sub("\ufffd", text), self._of_model if of_model else self._of_people
        found = spelt.any.sub(lambda match: match[0][0] + BREAK + match[0][1:], text)
        # It must not be a part of a spelling that the template completes, either.
        left = BREAK if text.startswith(spelt.ends) else ""
        right = BREAK if text.endswith(spelt.beginnings) else ""
        return f"{left}{found}{right}"

    def encode(self, rendered: str, places: Sequence[int] = ()) -> tuple[list[int], Offsets, list[int]]:
        """Encode a rendered template with broken texts; return ids, the offsets of each, and the new `places`.

        places: ascending character positions in the text; offsets refer to the text with private spellings.
        """
        text, moved = self._private(rendered, places)
        found = call_guarded(
            "the tokenizer", "it cannot encode this", self._copy.encode, text, add_special_tokens=False
        )
        check_has_embedding(self.tokenizer.library, [found.ids], len(self.tokenizer.vocab))
        return found.ids, found.offsets, moved

    def _private(self, rendered: str, places: Sequence[int]) -> tuple[str, list[int]]:
        spelt, parts = self._of_people.any, list[str]()
        for start, end in pairwise([0, *places, len(rendered)]):
            part = spelt.sub(lambda match: _private_spelling(self.known[match[0]]), rendered[start:end])
            parts.append(part.replace(BREAK, ""))
        ends = [sum(map(len, parts[: i + 1])) for i in range(len(places))]
        return "".join(parts), ends

    @cached_property
    def _copy(self) -> tokenizers.Tokenizer:
        """Return the tokenizer with private spellings; public ones are plain text to it."""
        content = json.loads(self.tokenizer.library.to_str())
        private = {name: _private_spelling(i) for name, i in self.known.items()}
        content |= {"post_processor": None, "padding": None, "truncation": None}
        content["model"] = _renamed_model(content["model"], private)
        added = {token["content"]: token for token in content["added_tokens"]}
        for name, i in self.known.items():
            usual = {"id": i, "single_word": False, "lstrip": False, "rstrip": False}
            added[name] = usual | added.get(name, {}) | {"content": private[name], "normalized": False, "special": True}
        content["added_tokens"] = sorted(added.values(), key=lambda token: token["id"])
        copy = tokenizers.Tokenizer.from_str(json.dumps(content))
        assert all(copy.token_to_id(private[name]) == i for name, i in self.known.items()), "a token has another id"
        return copy


class _Spellings:
    """any: a pattern of all spellings, longest first. beginnings, ends: parts of them that other text may complete."""

    def __init__(self, names: Iterable[str]):
        names = sorted(names, key=len, reverse=True)
        self.any = re.compile("|".join(map(re.escape, names)) if names else r"(?!)")
        self.beginnings = tuple(name[:i] for name in names for i in range(1, len(name)))
        self.ends = tuple(name[i:] for name in names for i in range(1, len(name)))


def _private_spelling(i: int) -> str:
    return f"{PRIVATE}{i}{PRIVATE}"


def _renamed_model(model: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the model of a tokenizer.json with renamed tokens, and without merges that make one of them from text."""
    vocab = model["vocab"]
    if isinstance(vocab, list):  # Unigram: pairs of a token and its score
        return model | {"vocab": [[names.get(name, name), score] for name, score in vocab]}
    found = model | {"vocab": {names.get(name, name): i for name, i in vocab.items()}}
    if model.get("unk_token") in names:
        found["unk_token"] = names[model["unk_token"]]
    if "merges" in model:
        pairs = [merge.split(" ", 1) if isinstance(merge, str) else merge for merge in model["merges"]]
        found["merges"] = [[a, b] for a, b in pairs if not names.keys() & {a, b, a + b}]
    return found
