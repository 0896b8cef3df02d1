"""Dividing texts into training, validation and test, the same way every time."""

import hashlib
import unicodedata
from collections import defaultdict

from lingon.core.seed import derive
from lingon.data.examples import Examples

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


def stratified_split(examples: Examples, share: float, seed: int, purpose: str) -> tuple[Examples, Examples]:
    """Cuts a share of every label off. Returns what stays and what was cut off, each in the order it had.

    Of a label with two or more different texts at least one stays and one is cut off; a single text stays. Equal texts
    of a label stay together, so that none is both learned and tested. The cut depends on the seed and the texts alone;
    a text with a weight counts as so many.
    """
    weights = examples.weights or [1] * len(examples)
    rows: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for i, (text, label) in enumerate(zip(examples.texts, examples.labels, strict=True)):
        rows[label][key_of(text)].append(i)
    cut: set[int] = set()
    for label, texts in rows.items():
        order = sorted(texts, key=lambda text: derive(seed, purpose, label, text))
        sizes = {text: sum(weights[i] for i in places) for text, places in texts.items()}
        target, most = max(1, round(share * sum(sizes.values()))), len(texts) - 1
        taken: float = 0
        for text in order[:most]:
            if taken >= target:
                break
            cut.update(texts[text])
            taken += sizes[text]
    stay = [i for i in range(len(examples)) if i not in cut]
    return examples[stay], examples[sorted(cut)]
