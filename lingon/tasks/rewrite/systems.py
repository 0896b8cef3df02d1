"""The four systems of Li et al. 2018, section 3.3: what each makes of a content and of what was retrieved for it."""

from collections.abc import Sequence
from typing import Any

from lingon.core.errors import UserError
from lingon.tasks.rewrite.content import Content, fill_with
from lingon.tasks.rewrite.encoding import RewriteEncoder
from lingon.tasks.rewrite.generate import generate
from lingon.tasks.rewrite.objective import Generators
from lingon.tasks.rewrite.style_corpus import StyleCorpus

NOTHING = Content(())


def retrieved(corpus: StyleCorpus, contents: Sequence[Content], targets: Sequence[str], system: str) -> list[Content]:
    """Return the sentence of the target style that helps each content; an empty one for a system that needs none."""
    if system == "delete":
        return [NOTHING] * len(contents)
    marked = system != "retrieve"
    return [corpus.retrieve(content, target, marked) for content, target in zip(contents, targets, strict=True)]


def written(
    generators: Generators,
    encoder: RewriteEncoder,
    contents: Sequence[Content],
    others: Sequence[Content],
    styles: Sequence[int],
    system: str,
) -> list[Sequence[str]]:
    """Return the words of each sentence as a system writes it. others: what was retrieved. styles: numbers to write.

    Raises UserError for a sentence that is longer than the generators read.
    """
    if system == "retrieve":
        return [other.sentence for other in others]
    if system == "template":
        return [fill_with(content, other) for content, other in zip(contents, others, strict=True)]
    if system == "delete":
        sources = [encoder.delete(content, style) for content, style in zip(contents, styles, strict=True)]
        return _generated(generators.delete, encoder, sources)
    rows = zip(contents, others, styles, strict=True)
    sources = [encoder.delete_retrieve(content, other.deleted, style) for content, other, style in rows]
    return _generated(generators.delete_retrieve, encoder, sources)


def _generated(model: Any, encoder: RewriteEncoder, sources: Sequence[tuple[int, ...]]) -> list[Sequence[str]]:
    longest = max(map(len, sources))
    if longest > model.source_length:
        raise UserError(
            f"a sentence has {longest:,} tokens with its markers, the generators read at most "
            f"{model.source_length:,}; divide it, or take system template or retrieve"
        )
    return list(generate(model, encoder, sources))
