"""The options of `lingon translate` as parameters: what is not given stays as the model has it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lingon.core.errors import UserError
from lingon.data.files.lines import FileOptions

if TYPE_CHECKING:
    from lingon.tasks.translate import TranslationParams


def changes_of(
    beams: int | None, n_best: int, temperature: float | None, top_k: int | None, top_p: float | None, seed: int
) -> dict[str, Any]:
    """Return what options of the search, or of samples, change of a model's parameters.

    Raises UserError for more translations than beams, and for samples that would all be one text.
    """
    from lingon.decoding.sampling_params import SamplingParams

    if n_best < 1:
        raise UserError(f"--n-best is {n_best}; expected 1 translation of each text, or more")
    if temperature is not None:
        if temperature == 0 and n_best > 1:
            raise UserError(
                f"--n-best {n_best} with --temperature 0 would give the same text every time; leave one of them out"
            )
        sampling = SamplingParams(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)
        return {"beams": 1, "n": n_best, "sampling": sampling}
    if beams is None:
        return {"n": n_best}
    if beams < 1:
        raise UserError(f"--beams is {beams}; expected 1, which is greedy, or more")
    if n_best > beams:
        raise UserError(
            f"--n-best {n_best} is more than --beams {beams}; give --beams {n_best} or more, or leave it out"
        )
    return {"beams": beams, "n": n_best}


def text_changes(
    prefix: str, source_prefix: str, copy_unknown: bool, terms: Path | None, files: FileOptions
) -> dict[str, Any]:
    """Return what options of the texts change: what stands before them, or must stand in them. Reads the terms."""
    from lingon.tasks.translate import Terms

    found = {"prefix": prefix, "source_prefix": source_prefix, "copy_unknown": copy_unknown}
    return found | ({} if terms is None else {"terms": Terms.read(terms, files)})


def length_changes(length_penalty: float | None, max_new_tokens: int | None) -> dict[str, Any]:
    """Return what options of the length change; those that are not given stay as the model has them."""
    given = {"length_penalty": length_penalty, "max_new_tokens": max_new_tokens}
    return {name: value for name, value in given.items() if value is not None}


def with_changes(translator: Any, changes: Mapping[str, Any]) -> "TranslationParams":
    """Return the parameters of a translator with changes; without a translator, of those that are usual.

    Where no beams are given there are as many as the translator has, and as texts are wanted.
    """
    from lingon.tasks.translate import TranslationParams

    usual = TranslationParams() if translator is None else translator.params
    return replace(usual, **{"beams": max(usual.beams, changes["n"]), **changes})
