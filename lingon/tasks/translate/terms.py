"""Terms that are to be translated in one way: a table of source and target words, and what it asks of a text."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lingon.core.errors import DataError, UserError
from lingon.data.files.lines import FileOptions, read_lines
from lingon.data.tokenizers import Tokenizer
from lingon.decoding.phrases import Phrase

LONGEST = 64  # tokens of a term


@dataclass(frozen=True)
class Terms:
    """Pairs of a term of the source and its translation; where a term has several, any of them will do.

    where: of each pair, for messages, such as terms.tsv:3.
    """

    pairs: tuple[tuple[str, str], ...]
    where: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.pairs:
            raise UserError("a list of terms is empty; give a line with a term, a tab and its translation")
        for place, pair in zip(self.places, self.pairs, strict=True):
            if not all(text.strip() for text in pair):
                raise DataError(f"{place}: expected a term, a tab and its translation, found {pair[0]!r}")

    @classmethod
    def read(cls, path: Path | str, options: FileOptions = FileOptions()) -> "Terms":
        """Read a file of lines source<TAB>target. Raises UserError when it is not there, DataError naming a line."""
        if not Path(path).is_file():
            raise UserError(f"there is no file of terms {str(path)!r}")
        pairs, places = [], []
        for number, line, wrong in read_lines(Path(path), options.encoding):
            if wrong:
                raise DataError(f"{path}:{number}: {wrong}")
            if not line.strip() or line.startswith("#"):
                continue
            line = line.rstrip("\r\n")
            source, tab, target = line.partition("\t")
            if not tab or "\t" in target:
                raise DataError(f"{path}:{number}: expected a term, a tab and its translation, found {line[:60]!r}")
            pairs.append((source.strip(), target.strip()))
            places.append(f"{path}:{number}")
        if not pairs:
            raise DataError(f"{path}: there is no term in it; a line is a term, a tab and its translation")
        return cls(tuple(pairs), tuple(places))

    @property
    def places(self) -> Sequence[str]:
        """Return where each pair stands."""
        return self.where or [f"term {number}" for number in range(1, len(self.pairs) + 1)]

    @cached_property
    def by_term(self) -> dict[str, list[str]]:
        """Return the translations of each term, in small letters, longest terms first."""
        found: dict[str, list[str]] = {}
        for source, target in sorted(self.pairs, key=lambda pair: -len(pair[0])):
            found.setdefault(source.casefold(), []).append(target)
        return found

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Return a pattern of all terms as whole words; of two that begin alike the longer one is found."""
        return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, self.by_term)) + r")(?!\w)")

    def wanted(self, text: str, prefix: str = "") -> list[list[str]]:
        """Return, for each term in a source text, its translations, of which one must stand in the translation.

        prefix: what the translation begins with; a term with a translation in it asks for no other.

        >>> Terms((("house", "Haus"), ("white house", "Weißes Haus"))).wanted("The White House is no house.")
        [['Weißes Haus'], ['Haus']]
        >>> Terms((("house", "Haus"), ("red", "rot"))).wanted("A red house.", prefix="Ein Haus")
        [['rot']]
        """
        found = dict.fromkeys(match[0] for match in self.pattern.finditer(text.casefold()))
        begun, ways = prefix.casefold(), [self.by_term[term] for term in found]
        return [some for some in ways if not any(way.casefold() in begun for way in some)]

    def check(self, tokenizer: Tokenizer, unknown: int | None) -> None:
        """Raise UserError naming the first translation that the vocabulary cannot write, or that is too long."""
        bare = tokenizer.without_special_tokens()
        rows = bare.encode_batch([target for _, target in self.pairs])
        for place, (_, target), ids in zip(self.places, self.pairs, rows, strict=True):
            if not ids or unknown in ids:
                raise UserError(f"{place}: the model's vocabulary cannot write {target!r}; leave the term out")
            if len(ids) > LONGEST:
                raise UserError(f"{place}: {target[:40]!r} has {len(ids)} tokens, expected {LONGEST} at most")


def phrases_of(wanted: Iterable[Sequence[str]], tokenizer: Tokenizer) -> list[Phrase]:
    """Return the tokens of words that must stand in a text. wanted: of each phrase, the ways to write it.

    Inside a text words have a space before them, which is a part of their first token in many vocabularies.
    """
    bare = tokenizer.without_special_tokens()
    before = tuple(bare.encode("x"))
    found = []
    for ways in wanted:
        inside, first = [], []
        for text in ways:
            alone, after = tuple(bare.encode(text)), tuple(bare.encode(f"x {text}"))
            inside.append(after[len(before) :] if after[: len(before)] == before else alone)
            first.append(alone)
        found.append(Phrase(tuple(dict.fromkeys(inside)), tuple(dict.fromkeys(first))))
    return found
