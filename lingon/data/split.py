"""Dividing texts into training, validation and test, the same way every time."""

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from lingon.core.errors import UserError
from lingon.core.seed import derive
from lingon.data.examples import Examples
from lingon.data.problem_types import names_in

__all__ = ["hash_split", "stratified_split", "without_duplicates"]


def without_duplicates(examples: Examples) -> Examples:
    """The first of each text. Texts that differ only in white space or Unicode form count as the same.

    A text that stands with two different labels is left out whole: one of the two must be wrong.
    """
    labels: dict[str, set[str]] = defaultdict(set)
    keys = [key_of(text) for text in examples.texts]
    for key, label in zip(keys, examples.labels, strict=True):
        labels[key].add(label)
    first: dict[str, int] = {}
    for i, key in enumerate(keys):
        first.setdefault(key, i)
    return examples[[i for key, i in first.items() if len(labels[key]) == 1]]


def key_of(text: str) -> str:
    """What two texts have in common when they are the same text."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def share_of(text: str) -> float:
    """A number from 0 up to 1 that depends on the text alone, by sha256."""
    return int.from_bytes(hashlib.sha256(key_of(text).encode(errors="surrogatepass")).digest()[:8], "big") / 2**64


def hash_split(examples: Examples, valid: float = 0.08, test: float = 0.2) -> tuple[Examples, Examples, Examples]:
    """Training, validation and test by the hash of each text: a text never moves, whatever is added or removed."""
    places: tuple[list[int], ...] = ([], [], [])
    for i, text in enumerate(examples.texts):
        share = share_of(text)
        places[2 if share < test else 1 if share < test + valid else 0].append(i)
    train, validation, held_out = (examples[rows] for rows in places)
    return train, validation, held_out


def strata(examples: Examples) -> list[str]:
    """Return the part that each example counts to when shares of every part are cut off.

    It is the label; of several the rarest; and of numbers all are one part.
    """
    counts = examples.label_counts()
    return [min(names_in([label]), key=lambda name: (counts[name], name), default="") for label in examples.labels]


def keys_of(examples: Examples) -> list[str]:
    """Return what equal examples have in common: `key_of` the text, or of both texts of a pair."""
    return [key_of(" ".join(one) if isinstance(one, tuple) else one) for one in examples.inputs]


def stratified_split(examples: Examples, share: float, seed: int, purpose: str) -> tuple[Examples, Examples]:
    """Cuts a share of every label off. Returns what stays and what was cut off, each in the order it had.

    Of a label with two or more different texts at least one stays and one is cut off; a single text stays. Equal texts
    of a label stay together, so that none is both learned and tested. The cut depends on the seed and the texts alone;
    a text with a weight counts as so many.
    """
    cut = cut_rows(keys_of(examples), strata(examples), share, seed, purpose, examples.weights)
    stay = [i for i in range(len(examples)) if i not in cut]
    return examples[stay], examples[sorted(cut)]


def cut_rows(
    keys: Sequence[str],
    strata: Sequence[str],
    share: float,
    seed: int,
    purpose: str,
    weights: Sequence[float] | None = None,
) -> set[int]:
    """Return the positions that are cut off as a share of every stratum; see `stratified_split`.

    keys: what equal examples have in common; these stay together within a stratum. weights: all alike by default.
    """
    weights = weights or [1] * len(keys)
    rows: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for i, (key, stratum) in enumerate(zip(keys, strata, strict=True)):
        rows[stratum][key].append(i)
    cut: set[int] = set()
    for stratum, texts in rows.items():
        order = sorted(texts, key=lambda text: derive(seed, purpose, stratum, text))
        sizes = {text: sum(weights[i] for i in places) for text, places in texts.items()}
        target, most = max(1, round(share * sum(sizes.values()))), len(texts) - 1
        taken: float = 0
        for text in order[:most]:
            if taken >= target:
                break
            cut.update(texts[text])
            taken += sizes[text]
    return cut


def stratified_folds(examples: Examples, folds: int, seed: int) -> list[list[int]]:
    """Divide examples into folds, each of which has its share of every label; return the positions in each.

    Equal texts are in one fold. A text that alone has its label is in none, so that it is always learned from. The
    folds depend on the seed and the texts alone.
    Raises UserError for fewer than two folds, or more than any label has texts.
    """
    rows: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for i, (key, label) in enumerate(zip(keys_of(examples), strata(examples), strict=True)):
        rows[label][key].append(i)
    most = max(map(len, rows.values()))
    if not 2 <= folds <= most:
        raise UserError(f"--folds is {folds}; expected 2 or more, and no more than the texts of a label, {most:,}")
    found: list[list[int]] = [[] for _ in range(folds)]
    for label, texts in sorted(rows.items()):
        if len(texts) == 1 and len(rows) > 1:
            continue
        counts = [0] * folds  # of this label: as even as they can be, and the rest goes where fewest are
        for text in sorted(texts, key=lambda text: derive(seed, "folds", label, text)):
            fold = min(range(folds), key=lambda i: (counts[i], len(found[i]), i))
            found[fold] += texts[text]
            counts[fold] += 1
    return [sorted(fold) for fold in found]
