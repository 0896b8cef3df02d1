"""Models of many languages: which token names a language, and where it stands before a text or a translation."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lingon.core.errors import UserError, one_of, unknown
from lingon.core.eval_view import shallow_copy
from lingon.data.languages import language_code
from lingon.data.tokenizers import Tokenizer
from lingon.models.hub_families import FAMILIES

if TYPE_CHECKING:
    from lingon.tasks.translate.translator import Translator

END = "</s>"


@dataclass(frozen=True)
class Layout:
    """Where a family of models has the tokens of languages.

    token: a pattern of them, whose group is the code. before, after: what stands around a source: "source" or "target"
    is the token of that language. first: where that of the target stands: "prefix", the first token of a translation;
    "start", in place of the start token; None, nowhere. most: languages that it may have.
    """

    token: re.Pattern[str]
    before: tuple[str, ...] = ("source",)
    after: tuple[str, ...] = (END,)
    first: str | None = "prefix"
    most: int = 1 << 16

    def template(self, tokens: Mapping[str, str], text: str) -> str:
        """Return the template of a source. tokens: of the source and of the target."""
        return " ".join(tokens.get(part, part) for part in (*self.before, text, *self.after))


LOCALE = re.compile(r"([a-z]{2}_[A-Z]{2})")
MBART = Layout(LOCALE, before=(), after=(END, "source"), first="start", most=30)  # Liu et al. 2020, section 2.2
MBART50 = Layout(LOCALE)  # Tang et al. 2020
M2M100 = Layout(re.compile(r"__([a-z]{2,3})__"))  # Fan et al. 2021
NLLB = Layout(re.compile(r"([a-z]{3}_[A-Z][a-z]{3})"))  # NLLB Team 2022
MARIAN = Layout(re.compile(r">>([^<>]+)<<"), before=("target",), first=None)  # Tiedemann and Thottingal 2020
LAYOUTS = {"MBART": MBART, "MBART50": MBART50, "M2M100": M2M100, "NLLB": NLLB, "MARIAN": MARIAN}


def layout_of(translator: "Translator") -> tuple[Layout, dict[str, str]] | None:
    """Return where a model has its languages, and the token of each by its code; None for one of two languages."""
    family = FAMILIES.get(translator.model.config().get("model_type"))
    if family is None or not family.languages:
        return None
    names = _special(translator.source)
    for layout in (LAYOUTS[name] for name in family.languages):
        tokens = _tokens(layout, names)
        if 1 < len(tokens) <= layout.most:
            return layout, tokens
    return None


def languages_of(translator: "Translator") -> list[str]:
    """Return the language codes that a multilingual model accepts; none for a model of two languages."""
    found = layout_of(translator)
    return [] if found is None else list(found[1])


def language_pair_of(translator: "Translator") -> tuple[str | None, str | None]:
    """Return the codes of source and target language of a model; None where they are not set."""
    found = layout_of(translator)
    if found is None:
        return None, None
    layout, tokens = found
    number = translator.target.library.token_to_id
    begun = {*translator.prefix_ids, translator.model.start_id} if layout.first else {*translator.source.encode("a")}
    around = {*translator.source.encode("a")} if "source" in (*layout.before, *layout.after) else set()
    first, second = (next((code for code, t in tokens.items() if number(t) in ids), None) for ids in (around, begun))
    return first, second


def with_languages(translator: "Translator", source: str | None, target: str | None) -> "Translator":
    """Return the translator from one language to another, given by their codes, such as `eng_Latn` and `deu_Latn`.

    A code before "_" is enough where only one begins so. Raises UserError for a code that the model does not have, for
    one that is needed and missing, and for a model that writes only one language.
    """
    found = layout_of(translator)
    if found is None:
        given = "source" if target is None else "target"
        raise UserError(f"--{given}-lang is for models of many languages; this one has two, leave it out")
    layout, tokens = found
    chosen = {side: _token(side, code, tokens) for side, code in (("source", source), ("target", target)) if code}
    parts = {*layout.before, *layout.after, *(["target"] if layout.first else [])}
    for side in ("source", "target"):
        if side in parts and side not in chosen:
            raise _missing(side, tokens)
    single, both = layout.template(chosen, "$A"), layout.template(chosen, "$A $B:1")
    tokenizer, prefix = translator.source.with_template(single, both), translator.prefix_ids
    model: Any = translator.model
    if layout.first is not None:
        number = translator.target.library.token_to_id(chosen["target"])
        assert number is not None, "both sides have the same tokens"
        if layout.first == "start":
            model = shallow_copy(model)  # who has the other translator keeps its language
            model.start_id, model.sizes = number, {**model.sizes, "decoder_start_token_id": number}
        else:
            prefix = (number,)
    made, never = type(translator), translator.suppressed_ids
    told = made(model, tokenizer, translator.target, prefix, never, translator.generation)
    told.precision = translator.precision
    return told


def check_languages(translator: "Translator") -> None:
    """Raise UserError for a multilingual model whose target language is not set."""
    found = layout_of(translator)
    if found is None:
        return
    if language_pair_of(translator)[1] is None:
        raise _missing("target", found[1])


def _missing(side: str, tokens: Mapping[str, str]) -> UserError:
    some = one_of(list(tokens)[:5])
    return UserError(
        f"this model knows {len(tokens)} languages ({some}, ...); name the {side} language with --{side}-lang CODE, "
        "or with Translator.with_languages"
    )


def _special(tokenizer: Tokenizer) -> list[str]:
    added = tokenizer.library.get_added_tokens_decoder()
    return [added[i].content for i in sorted(added) if added[i].special]


def _tokens(layout: Layout, names: list[str]) -> dict[str, str]:
    found = {name: layout.token.fullmatch(name) for name in names}
    return {match[1]: name for name, match in found.items() if match}


def _same_language(code: str, known: Iterable[str]) -> list[str]:
    """Return the codes that name the language of another code, such as eng_Latn for en."""
    wanted = language_code(code)
    return [other for other in known if wanted is not None and language_code(other) == wanted]


def _token(side: str, code: str, tokens: Mapping[str, str]) -> str:
    alike = [known for known in tokens if known.partition("_")[0] == code]
    if code not in tokens and len(alike) == 1:
        code = alike[0]
    if code not in tokens:
        raise unknown(f"language of the {side}", code, alike or _same_language(code, tokens) or tokens)
    return tokens[code]
