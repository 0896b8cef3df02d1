"""Hash values of word and character n-grams, so that a model can give each n-gram a row without a dictionary.

A word has the row of its id; an n-gram of several words, or of the characters of a word, has row
`vocab_size + hash % buckets`, which it may share with others (Weinberger et al., "Feature Hashing", 2009).
A text is represented by the set of its rows. A key is `row << 32 | text`: sorted distinct keys are the sets of all
texts of a batch, ordered by row.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch

from lingon.core.errors import UserError
from lingon.core.shapes import Int, Tensor
from lingon.kernels.feature_keys import TEXT_BITS
from lingon.kernels.jit import kernel

CHAIN = 116_049_371  # combines the hashes of the words of an n-gram, as in fastText (Dictionary::addWordNgrams)
# "moremur", Evensen 2018: two multipliers under 2^63, so that torch's signed integers can hold them.
MIX_1, MIX_2 = 0x3C79AC492BA7B653, 0x1C69B3F74AC4AE35
PRIME = np.uint32(16_777_619)
CHAIN_U, MIX_1U, MIX_2U, S27, S33 = (np.uint64(n) for n in (CHAIN, MIX_1, MIX_2, 27, 33))


class Spelling(NamedTuple):
    """Hashes of the character n-grams of every word: those of word i are `hashes[starts[i] : starts[i + 1]]`."""

    starts: Int[Tensor, " V+1"]
    hashes: Int[Tensor, " N"]


def fnv1a(data: bytes) -> int:
    """Return the 32-bit FNV-1a hash with bytes taken as signed, as in fastText (Dictionary::hash).

    >>> fnv1a(b"<te")
    1669484008
    """
    value = 2_166_136_261
    for byte in data:
        signed = byte if byte < 128 else byte | 0xFFFFFF00
        value = ((value ^ signed) * 16_777_619) & 0xFFFFFFFF
    return value


def subwords(word: str, shortest: int = 3, longest: int = 6) -> list[str]:
    """Return the character n-grams of a word between < and >, short ones first (Bojanowski et al., 2017, section 3.2).

    >>> subwords("where", 3, 3)
    ['<wh', 'whe', 'her', 'ere', 're>']
    """
    check_lengths(shortest, longest)
    word = f"<{word}>"
    return [word[i : i + n] for n in range(shortest, longest + 1) for i in range(len(word) - n + 1)]


def check_lengths(shortest: int, longest: int) -> None:
    """Raise UserError for character n-grams of impossible lengths."""
    if not 1 <= shortest <= longest:
        raise UserError(f"character n-grams of {shortest} to {longest}: expected 1 <= shortest <= longest")


def spell(tokens: Iterable[str], shortest: int = 3, longest: int = 6, longest_word: int = 60) -> Spelling:
    """Return hashes of the character n-grams of each token; special tokens and tokens over `longest_word` have none.

    Those of a token are `fnv1a` of its `subwords`, each once, in ascending order.
    """
    check_lengths(shortest, longest)
    words = [f"<{token}>".encode() if _is_spelled(token, longest_word) else b"" for token in tokens]
    ends = np.cumsum([len(word) for word in words], dtype=np.int64)
    data = np.frombuffer(b"".join(words), np.uint8)
    starts, hashes = np.zeros(len(words) + 1, np.int64), np.empty(len(data) * (longest - shortest + 1), np.int64)
    count = _spell(data, ends, shortest, longest, starts, hashes)
    return Spelling(torch.from_numpy(starts), torch.from_numpy(hashes[:count].copy()))


def _is_spelled(token: str, longest_word: int) -> bool:
    return len(token) <= longest_word and not (token.startswith("[") and token.endswith("]") and len(token) > 2)


def sorted_keys(
    flat: Int[Tensor, " N"],
    lengths: Int[Tensor, " B"],
    order: int,
    vocab_size: int,
    buckets: int,
    spelling: Spelling | None = None,
) -> tuple[Int[Tensor, " M"], Int[Tensor, " M"]]:
    """Return keys of the distinct n-grams of each text, in ascending order, and how often each occurs in its text.

    flat: concatenated ids of all texts. lengths: number of ids of each text. order: words in the longest n-gram.
    buckets: a power of two. On the CPU a compiled loop does the work; `occurrences` gives the same on any device.
    """
    if flat.device.type != "cpu":
        found = occurrences(flat, lengths, order, vocab_size, buckets, spelling)[0]
        keys, counts = torch.unique(found, return_counts=True)
        return keys, counts
    starts, hashes = (part.numpy() for part in spelling) if spelling else (np.zeros(0, np.int64),) * 2
    ids = flat.numpy()
    most = len(ids) * order + (int((starts[ids + 1] - starts[ids]).sum()) if spelling else 0)
    keys = np.empty(most, np.int64)
    keys = keys[: _fill(ids, lengths.numpy(), order, vocab_size, buckets - 1, starts, hashes, keys)]
    keys.sort()
    counts = np.empty(len(keys), np.int64)
    different = _count_repeats(keys, counts)
    return torch.from_numpy(keys[:different]), torch.from_numpy(counts[:different])


def occurrences(
    flat: Int[Tensor, " N"],
    lengths: Int[Tensor, " B"],
    order: int,
    vocab_size: int,
    buckets: int,
    spelling: Spelling | None = None,
) -> tuple[Int[Tensor, " M"], Int[Tensor, " M"], Int[Tensor, " M"]]:
    """Return for every n-gram its key, the position in `flat` of its last word, and its number of words.

    Takes the arguments of `sorted_keys`. Uses only torch operations, so it runs on every device.
    """
    place = torch.arange(len(flat), device=flat.device)
    text = torch.repeat_interleave(torch.arange(len(lengths), device=flat.device), lengths)
    inside = place - (lengths.cumsum(0) - lengths)[text]
    chain, words = _mix(flat + 1), _mix(flat + 1)
    keys, ends, widths = [flat << TEXT_BITS | text], [place], [torch.ones_like(place)]
    for n in range(1, order):
        chain = chain * CHAIN + words.roll(n)
        fits = inside >= n
        rows = vocab_size + (_mix(chain[fits]) & (buckets - 1))
        keys.append(rows << TEXT_BITS | text[fits])
        ends.append(place[fits])
        widths.append(torch.full_like(ends[-1], n + 1))
    if spelling:
        first, count = spelling.starts[flat], spelling.starts[flat + 1] - spelling.starts[flat]
        owner = torch.repeat_interleave(place, count)
        nth = torch.arange(len(owner), device=flat.device) - (count.cumsum(0) - count)[owner]
        rows = vocab_size + (spelling.hashes[first[owner] + nth] & (buckets - 1))
        keys.append(rows << TEXT_BITS | text[owner])
        ends.append(owner)
        widths.append(torch.ones_like(owner))
    return torch.cat(keys), torch.cat(ends), torch.cat(widths)


def _mix(x: Tensor) -> Tensor:
    x = (x ^ _shift(x, 27)) * MIX_1
    x = (x ^ _shift(x, 33)) * MIX_2
    return x ^ _shift(x, 27)


def _shift(x: Tensor, bits: int) -> Tensor:
    return x >> bits & (1 << 64 - bits) - 1  # torch shifts the sign in


@kernel
def _mixed(x):
    x = (x ^ (x >> S27)) * MIX_1U
    x = (x ^ (x >> S33)) * MIX_2U
    return x ^ (x >> S27)


@kernel
def _fill(ids, lengths, order, vocab_size, mask, starts, hashes, keys):
    """Write the key of every n-gram of every text; return how many there are."""
    count, first = 0, 0
    for text in range(len(lengths)):
        for i in range(first, first + lengths[text]):
            chain = np.uint64(0)
            for n in range(min(order, i - first + 1)):
                chain = chain * CHAIN_U + _mixed(np.uint64(ids[i - n] + 1))
                row = ids[i] if n == 0 else vocab_size + (np.int64(_mixed(chain)) & mask)
                keys[count] = row << TEXT_BITS | text
                count += 1
            if len(starts):
                for k in range(starts[ids[i]], starts[ids[i] + 1]):
                    keys[count] = (vocab_size + (hashes[k] & mask)) << TEXT_BITS | text
                    count += 1
        first += lengths[text]
    return count


@kernel
def _spell(data, ends, shortest, longest, starts, hashes):
    """Write the distinct hashes of each word's n-grams, ascending, and where those of each word end; return the number.

    data: the words in UTF-8, concatenated; ends: where each word ends.
    """
    count, first = 0, 0
    for word in range(len(ends)):
        begun = count
        for start in range(first, ends[word]):
            if data[start] & 0xC0 == 0x80:  # inside a character
                continue
            value, width, at = np.uint32(2_166_136_261), 0, start
            while at < ends[word] and width < longest:
                while True:  # one character
                    byte = np.uint32(data[at])
                    value = np.uint32((value ^ (byte if byte < 128 else byte | np.uint32(0xFFFFFF00))) * PRIME)
                    at += 1
                    if at >= ends[word] or data[at] & 0xC0 != 0x80:
                        break
                width += 1
                if width >= shortest:
                    hashes[count] = value
                    count += 1
        hashes[begun:count].sort()
        kept = begun
        for i in range(begun, count):
            if i == begun or hashes[i] != hashes[kept - 1]:
                hashes[kept] = hashes[i]
                kept += 1
        count, first = kept, ends[word]
        starts[word + 1] = count
    return count


@kernel
def _count_repeats(keys, counts):
    """Move the distinct keys of a sorted array to its front, and count each; return how many there are."""
    found = 0
    for i in range(len(keys)):
        if i == 0 or keys[i] != keys[i - 1]:
            keys[found] = keys[i]
            counts[found] = 0
            found += 1
        counts[found - 1] += 1
    return found
