"""The settings of training word vectors, and what each method begins with."""

from dataclasses import dataclass
from typing import Annotated

from typer import Option

from lingon.core.errors import UserError, unknown

METHODS = ("skipgram", "cbow", "glove")
LOSSES = ("negative", "tree")
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
    """How word vectors are made and trained."""

    method: Annotated[str, Option(help="skipgram, cbow or glove.")] = "skipgram"
    loss: Annotated[str, Option(help="negative (samples) or tree (hierarchical softmax).")] = "negative"
    subwords: Annotated[bool, Option("--subwords", help="Parts of words have vectors too, as in fastText.")] = False
    width: Annotated[int, Option(help="Numbers of a vector.")] = 100
    window: Annotated[int, Option(help="Neighbours on each side at most; each word draws its own reach.")] = 5
    negatives: Annotated[int, Option(help="Words drawn against each word.")] = 5
    epochs: Annotated[int, Option(help="How often the text is read.")] = 5
    lr: Annotated[float | None, Option(help="Learning rate at the start; None: what suits the method.")] = None
    sample: Annotated[float, Option(help="Words with more than this share of the text are left out at times.")] = 1e-3
    min_count: Annotated[int, Option(help="Rarer words are left out.")] = 5
    vocab: Annotated[int | None, Option(help="Words that are kept, the most frequent.")] = None
    phrases: Annotated[int, Option(help="Rounds in which pairs become one word: new_york.")] = 0
    buckets: Annotated[int, Option(help="Vectors for the parts of words.")] = 2_000_000
    shortest: Annotated[int, Option(help="Letters of a part, at least.")] = 3
    longest: Annotated[int, Option(help="Letters of a part, at most.")] = 6
    spaces: Annotated[bool, Option("--spaces", help="Words stand between spaces, as they are.")] = False
    threads: Annotated[int, Option(help="0: one for each core. They share the tables without locks.")] = 0
    deterministic: Annotated[
        bool, Option("--deterministic", help="The same file for the same seed: one thread does the steps.")
    ] = False
    seed: Annotated[int, Option(help="Everything random follows from it.")] = 0


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
    if not settings.sample >= 0:
        raise UserError(f"--sample is {settings.sample}; expected 0 (read all) or more")
    if settings.method == "glove" and (settings.subwords or settings.loss == "tree"):
        raise UserError("--method glove has neither --subwords nor --loss tree; choose skipgram or cbow for them")
    if not 1 <= settings.shortest <= settings.longest <= 100:
        raise UserError(
            f"parts of {settings.shortest} to {settings.longest} letters; expected 1 <= shortest <= longest"
        )
    return settings
