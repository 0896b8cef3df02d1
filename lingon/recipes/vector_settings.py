"""The settings of training word vectors, and what each method begins with."""

from dataclasses import dataclass
from typing import Annotated

from typer import Option

from lingon.core.errors import UserError, unknown

METHODS = ("skipgram", "cbow", "glove")
LOSSES = ("negative-sampling", "hierarchical-softmax")
LR = {"skipgram": 0.025, "cbow": 0.05, "glove": 0.05}
MOST_LR = 1_000_000  # not included
AT_LEAST = {
    "width": 1,
    "window": 1,
    "negatives": 1,
    "epochs": 1,
    "min_count": 1,
    "threads": 0,
    "buckets": 1,
    "phrases": 0,
    "vocab": 1,
    "seed": 0,
}


@dataclass(frozen=True)
class VectorSettings:
    """Settings of making and training word vectors."""

    method: Annotated[str, Option(help="Method: skipgram, cbow or glove.")] = "skipgram"
    loss: Annotated[str, Option(help="Loss of skipgram and cbow: " + " or ".join(LOSSES) + ".")] = LOSSES[0]
    subwords: Annotated[
        bool, Option("--subwords", help="Also train vectors of character n-grams, as fastText does.")
    ] = False
    width: Annotated[int, Option(help="Dimension of the vectors.")] = 100
    window: Annotated[
        int, Option(help="Context window: maximum number of words on each side; the actual window is sampled.")
    ] = 5
    negatives: Annotated[int, Option(help="Negative samples per word.")] = 5
    epochs: Annotated[int, Option(help="Passes over the text.")] = 5
    lr: Annotated[float | None, Option(help="Initial learning rate: 0.025 for skipgram, 0.05 for cbow and glove.")] = (
        None
    )
    subsample: Annotated[float, Option(help="Subsampling threshold: more frequent words are randomly skipped.")] = 1e-3
    min_count: Annotated[int, Option(help="Minimum count of a word.")] = 5
    vocab: Annotated[int | None, Option(help="Maximum vocabulary size. Default: no limit.")] = None
    phrases: Annotated[int, Option(help="Number of passes that join frequent word pairs: new_york.")] = 0
    buckets: Annotated[int, Option(help="Hash buckets of character n-grams.")] = 2_000_000
    min_n: Annotated[int, Option(help="Minimum length of a character n-gram.")] = 3
    max_n: Annotated[int, Option(help="Maximum length of a character n-gram.")] = 6
    spaces: Annotated[bool, Option("--spaces", help="Split at spaces only, without lower-casing.")] = False
    threads: Annotated[int, Option(help="Number of threads (lock-free updates); 0: one per core.")] = 0
    deterministic: Annotated[
        bool, Option("--deterministic", help="Train in one thread: the same file for the same seed.")
    ] = False
    seed: Annotated[int, Option(help="Random seed.")] = 0


def checked(settings: VectorSettings) -> VectorSettings:
    """The settings as they are. Raises UserError that names a setting with an impossible value."""
    for name, known in (("method", METHODS), ("loss", LOSSES)):
        if getattr(settings, name) not in known:
            raise unknown(name, getattr(settings, name), known)
    for name, least in AT_LEAST.items():
        value = getattr(settings, name)
        if value is not None and value < least:
            raise UserError(f"--{name.replace('_', '-')} is {value}; expected {least} or more")
    if settings.lr is not None and not 0 < settings.lr < MOST_LR:
        raise UserError(f"--lr is {settings.lr}; expected more than 0 and less than {MOST_LR:,}")
    if not settings.subsample >= 0:
        raise UserError(f"--subsample is {settings.subsample}; expected 0 (read all) or more")
    if settings.method == "glove" and (settings.subwords or settings.loss == "hierarchical-softmax"):
        raise UserError(
            "--method glove has neither --subwords nor --loss hierarchical-softmax; choose skipgram or cbow for them"
        )
    if not 1 <= settings.min_n <= settings.max_n <= 100:
        raise UserError(f"--min-n is {settings.min_n}, --max-n {settings.max_n}; expected 1 <= min-n <= max-n <= 100")
    return settings
