"""The rows of all tables of data sets and weights by name, and the files to download for them."""

from collections.abc import Iterable, Sequence
from typing import Any

from lingon.core.errors import UserError, suggest
from lingon.data.corpora.catalogue import CORPORA, PICTURES, TEXTS, VECTORS
from lingon.data.corpora.encoders import ENCODERS
from lingon.data.corpora.image_weights import IMAGE_WEIGHTS
from lingon.data.corpora.images import IMAGES
from lingon.data.corpora.parallel import PARALLEL
from lingon.data.corpora.question_answering import QUESTION_ANSWERING
from lingon.data.corpora.questions import QUESTIONS
from lingon.data.corpora.retrieval import RETRIEVAL
from lingon.data.corpora.scored_pairs import SCORED_PAIRS
from lingon.data.corpora.sentences import TAGGED
from lingon.data.corpora.treebanks import TREES
from lingon.data.corpora.weights import WEIGHTS, Weights
from lingon.data.running_text import GROUPS
from lingon.data.sources import Artifact

ALL = "all"


def all_rows() -> dict[str, Any]:
    """Return all corpora, texts, pictures, images, vectors, questions, pairs, collections, encoders and weights.

    A corpus that can be read both as texts with labels and as tagged sentences has one row.
    """
    corpora = {**CORPORA, **TEXTS, **PICTURES, **VECTORS, **QUESTIONS, **SCORED_PAIRS, **RETRIEVAL, **TREES}
    tagged = {name: row for name, row in TAGGED.items() if name not in corpora}
    return {**corpora, **tagged, **PARALLEL, **QUESTION_ANSWERING, **IMAGES, **ENCODERS, **IMAGE_WEIGHTS, **WEIGHTS}


def artifacts_of(row: Any) -> Sequence[Artifact]:
    """Return the files to download for a row of any table."""
    return (row.package, *row.parts) if isinstance(row, Weights) else row.source.artifacts


def expand_names(names: Iterable[str], accept_licence: bool = False) -> list[str]:
    """Return the names of rows, each once: groups are expanded, and `all` to the rows without a licence to accept.

    accept_licence: `all` also includes rows whose licence must be accepted.
    Raises UserError that suggests the nearest names.
    """
    rows, found = all_rows(), dict[str, None]()
    for name in names:
        if name == ALL:
            found.update(dict.fromkeys(n for n, row in rows.items() if accept_licence or not must_accept(row)))
        elif name in rows or name in GROUPS:
            found.update(dict.fromkeys(GROUPS.get(name, [name])))
        else:
            raise UserError(f"unknown corpus {name!r}; {suggest(name, [*rows, *GROUPS, ALL])}")
    return list(found)


def must_accept(row: Any) -> str | None:
    """Return why the licence of a row must be accepted; None if it need not be."""
    return getattr(row, "opt_in", None)
