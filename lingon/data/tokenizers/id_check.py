"""Checks the ids of a text: the model must have their embeddings, and most must be known."""

import warnings
from collections.abc import Sequence

import tokenizers

from lingon.core.errors import UserError
from lingon.data.id_rows import IdRow, occurrences
from lingon.data.tokenizers.vocab import UNK

MOSTLY = 0.9  # share of unknown tokens above which a text is almost certainly in another language or form
FEW = 20  # tokens below which that share is meaningless


def check_has_embedding(library: tokenizers.Tokenizer, rows: Sequence[IdRow], embeddings: int | None) -> None:
    """Raise UserError for an id without an embedding in the model. embeddings: how many it has; None: all."""
    beyond = None if embeddings is None else next((i for row in rows for i in row if i >= embeddings), None)
    if beyond is not None:
        raise UserError(
            f"token {library.id_to_token(beyond)!r} is id {beyond}, but the model has {embeddings:,} "
            "embeddings; leave it out of the text"
        )


def warn_mostly_unknown(library: tokenizers.Tokenizer, rows: Sequence[IdRow]) -> None:
    """Warn if nearly all tokens are unknown: a model would learn nothing, for no visible reason."""
    unknown, total = library.token_to_id(UNK), sum(map(len, rows))
    if unknown is None or total < FEW:
        return
    share = sum(occurrences(unknown, row) for row in rows) / total
    if share > MOSTLY:
        warnings.warn(
            f"{share:.0%} of {total:,} tokens are {UNK}: was this tokenizer trained on such texts?", stacklevel=4
        )
