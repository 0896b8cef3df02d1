"""Divides texts into training, validation and test, reproducibly."""

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
    """Return examples without duplicates. Texts that differ only in white space or Unicode form count as the same.

    A text with two different labels is left out altogether: one of the two must be wrong.
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
    """Return the normalised form by which texts are compared: NFC, with single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def share_of(text: str) -> float:
    """Return a number in [0, 1) that depends on the text alone, by sha256."""
    return int.from_bytes(hashlib.sha256(key_of(text).encode(errors="surrogatepass")).digest()[:8], "big") / 2**64


def hash_split(examples: Examples, valid: float = 0.08, test: float = 0.2) -> tuple[Examples, Examples, Examples]:
    """Divide by the hash of each text: a text stays in its part, whatever others are added or removed."""
    places: tuple[list[int], ...] = ([], [], [])
    for i, text in enumerate(examples.texts):
        share = share_of(text)
        places[2 if share < test else 1 if share < test + valid else 0].append(i)
    train, validation, held_out = (examples[rows] for rows in places)
    return train, validation, held_out


def strata(examples: Examples) -> list[str]:
    """Return the stratum of each example for a stratified division.

    It is the label; the rarest of several; numbers are all one stratum.
    """
    counts = examples.label_counts()
    return [min(names_in([label]), key=lambda name: (counts[name], name), default="") for label in examples.labels]


def keys_of(examples: Examples) -> list[str]:
    """Return a key for each example, equal for equal ones: `key_of` the text, or of both texts of a pair."""
    return [key_of(" ".join(one) if isinstance(one, tuple) else one) for one in examples.inputs]


def stratified_split(examples: Examples, share: float, seed: int, purpose: str) -> tuple[Examples, Examples]:
    """Hold out a share of every label. Return the remaining and the held-out examples, each in their order.

    Of a label with two or more distinct texts at least one remains and one is held out; a single text remains. Equal
    texts of a label stay together, so that none is both trained and tested on. The choice depends on the seed and the
    texts alone; a text with weight w counts w times.
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
    """Return the indices that are held out as a share of every stratum; see `stratified_split`.

    keys: equal for equal examples, which stay together within a stratum. weights: equal by default.
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
    """Divide examples into folds, each of which has its share of every label; return the indices of each.

    Equal texts are in the same fold. The only text of a label is in no fold, so that it is always trained on. The folds
    depend on the seed and the texts alone.
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
        counts = [0] * folds  # of this label: as even as possible; the remainder goes to the smallest folds
        for text in sorted(texts, key=lambda text: derive(seed, "folds", label, text)):
            fold = min(range(folds), key=lambda i: (counts[i], len(found[i]), i))
            found[fold] += texts[text]
            counts[fold] += 1
    return [sorted(fold) for fold in found]
