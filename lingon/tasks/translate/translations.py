"""The translations of texts: their ids are found by a search, and become texts again."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lingon.decoding.beam_params import Hypothesis
from lingon.tasks.translate.alignment import with_copied_words
from lingon.tasks.translate.languages import check_languages
from lingon.tasks.translate.params import TranslationParams
from lingon.tasks.translate.search import search
from lingon.tasks.translate.terms import phrases_of
from lingon.tasks.translate.translation import Translation

if TYPE_CHECKING:
    from lingon.tasks.translate.translator import Translator


def translations(
    translator: "Translator", texts: Sequence[str], params: TranslationParams, advance: Callable[[int], None]
) -> list[list[Translation]]:
    """Return the `params.n` best translations of each text, best first; or as many samples. Blank ones stay blank."""
    written = [i for i, text in enumerate(texts) if not isinstance(text, str) or text.strip()]
    found = [[Translation(text, "", 0.0, 0.0, translator.eos_ids)] * params.n for text in texts]
    advance(len(texts) - len(written))
    if written:
        those = _of_written(translator, [texts[i] for i in written], params, advance)
        for i, some in zip(written, those, strict=True):
            found[i] = some
    return found


def _of_written(
    translator: "Translator", texts: Sequence[str], params: TranslationParams, advance: Callable[[int], None]
) -> list[list[Translation]]:
    check_languages(translator)
    sources, phrases = translator.source_ids([params.source_prefix + text for text in texts]), []
    if params.terms is not None:
        params.terms.check(translator.target, translator.unknown)
        wanted = [params.terms.wanted(text, params.prefix) for text in texts]
        phrases = [phrases_of(some, translator.target) for some in wanted]
    found = search(translator, sources, params, phrases, advance)
    each = zip(texts, sources, found, strict=True)
    return [[_translation(translator, text, ids, one, params) for one in some] for text, ids, some in each]


def _translation(
    translator: "Translator", text: str, source: Sequence[int], found: Hypothesis, params: TranslationParams
) -> Translation:
    begun = translator.prompt(params.prefix)[1 + len(translator.prefix_ids) :]
    ids = (*begun, *found.ids)
    if params.copy_unknown and translator.unknown in found.ids:
        said = with_copied_words(translator, text, source, ids)
    else:
        said = translator.text_of(ids)
    return Translation(text, said, found.score, found.logprob, ids, found.ended)
