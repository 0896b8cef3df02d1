"""The bytes that each token of a vocabulary adds to a text, for grammars, stop strings and streaming."""

import json
import re
from dataclasses import dataclass
from functools import partial

from tokenizers.pre_tokenizers import ByteLevel

from lingon.core.errors import UserError
from lingon.data.tokenizers.panic_guard import call_guarded
from lingon.data.tokenizers.tokenizer import Tokenizer
from lingon.data.tokenizers.vocab import SPECIALS, UNK

BYTE = re.compile(r"<0x([0-9A-F]{2})>")


@dataclass(frozen=True)
class TokenBytes:
    """The bytes that each token adds, by id; special tokens add none.

    spaced: the tokenizer puts a space before a word, which the first word of a text goes without.
    """

    by_id: tuple[bytes, ...]
    prefix_space: bool

    def decode(self, ids, first: bool = False) -> bytes:
        """Return the bytes of ids. first: whether they begin a text."""
        text = b"".join(self.by_id[i] for i in ids)
        return text[1:] if first and self.prefix_space and text.startswith(b" ") else text


def token_bytes(tokenizer: Tokenizer) -> TokenBytes:
    """Return the bytes of each token, for our tokenizers and published byte-level ones or with byte fallback."""
    library = tokenizer.library
    content = json.loads(library.to_str())
    decoder = json.dumps(content.get("decoder"))
    special = {t["content"] for t in content.get("added_tokens", ()) if t.get("special")} | set(SPECIALS)
    added = {t["content"] for t in content.get("added_tokens", ())}
    ids = library.get_vocab(with_added_tokens=True)
    tokens = sorted(ids, key=ids.__getitem__)[: len(tokenizer.vocab)]  # those that the model has
    if '"ByteLevel"' in decoder:
        letters = _byte_letters()
        of = [t.encode() if t in added else _of_letters(t, letters) for t in tokens]
        spaced = False
    else:
        of, spaced = _between(library, tokens)
    return TokenBytes(tuple(b"" if t in special else piece for t, piece in zip(tokens, of, strict=True)), spaced)


def token_id(text: str, tokenizer: Tokenizer, pieces: TokenBytes) -> int:
    """Return the id of a text that is one token. Raises UserError with its tokens if it is not a single one."""
    ids = tokenizer.encode(text)[len(tokenizer.encode("")) :]  # without what begins every text
    if len(ids) == 1 and tokenizer.vocab.token(ids[0]) != UNK:
        return ids[0]
    if text and text.encode() in pieces.by_id:
        return pieces.by_id.index(text.encode())
    if text in tokenizer.vocab:  # the name of a special token
        return tokenizer.vocab[text]
    parts = " ".join(repr(tokenizer.vocab.token(i)) for i in ids[:12]) or "nothing"
    raise UserError(
        f"{text!r} is not a single token of this model, which splits it into {parts}; give exactly one token"
    )


def _of_letters(token: str, letters: dict[str, int]) -> bytes:
    return bytes(letters[c] for c in token) if all(c in letters for c in token) else token.encode()


def _byte_letters() -> dict[str, int]:
    """Return the letter that represents each byte in a vocabulary like GPT-2's: itself, or one from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    found = {chr(byte): byte for byte in plain} | {chr(0x100 + i): byte for i, byte in enumerate(others)}
    assert set(found) == set(ByteLevel.alphabet())
    return found


def _between(library, tokens: list[str]) -> tuple[list[bytes], bool]:
    """Return what the decoder writes for each token after another one; single bytes are read from the token names."""
    read = partial(call_guarded, "the tokenizer", "what its tokens add to a text is not known")
    before = next((i for i, t in enumerate(tokens) if t.isascii() and t.isalpha()), 0)
    start = read(library.decode, [before], skip_special_tokens=False)
    pairs = read(library.decode_batch, [[before, i] for i in range(len(tokens))], skip_special_tokens=False)
    of = [pair[len(start) :].encode() for pair in pairs]
    for i, token in enumerate(tokens):
        if found := BYTE.fullmatch(token):
            of[i] = bytes([int(found[1], 16)])
    alone = read(library.decode_batch, [[i] for i in range(len(tokens))], skip_special_tokens=False)
    spaced = any(piece == b" " + text.encode() for piece, text in zip(of, alone, strict=True) if text)
    return of, spaced
