"""Where sentences with tagged words come from, as flags."""

from dataclasses import KW_ONLY, asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.data.tag_schemes import SCHEMES, Scheme, scheme_named
from lingon.recipes.file_settings import Encoding, Files, Quoting, bad_rows

if TYPE_CHECKING:
    from lingon.data.tagged_sentences import TaggedSplits

TagColumn = Annotated[
    str | None,
    Option(help="Tag column: upos or xpos of CoNLL-U, a name, or a number from 1. Default: detected."),
]
TagScheme = Annotated[str | None, Option(help=f"Tag scheme: {', '.join(SCHEMES)}. Default: detected.")]


@dataclass(frozen=True)
class TaggedTexts:
    """Sentences whose words have tags: a corpus, or a file or folder of the user's."""

    data: Annotated[
        str, Option(help="A corpus (lingon data list), or your own CoNLL, CoNLL-U or jsonl file, or a folder.")
    ]
    _: KW_ONLY
    column: TagColumn = None
    tag_scheme: TagScheme = None
    test: Annotated[str | None, Option(help="Test file. Default: a part of the data is held out.")] = None
    valid: Annotated[str | None, Option(help="Validation file. Default: a part of the data is held out.")] = None
    on_bad_row: Annotated[str, Option(help="A sentence that cannot be read: stop, or skip it.")] = "stop"
    encoding: Encoding = "utf-8"
    quoting: Quoting = "auto"

    def read(self) -> "TaggedSplits":
        """Return training, validation and test sentences."""
        from lingon.data.load_tagged import load_tagged_splits

        how: dict[str, Any] = {"on_bad_row": bad_rows(self.on_bad_row), "options": Files(self.encoding, self.quoting)}
        how["valid"] = self.valid
        return load_tagged_splits(self.data, self.test, self.column, scheme_of_flag(self.tag_scheme), **how)

    def record(self) -> dict[str, Any]:
        """Return what tells this data from other data, for run.json."""
        return {name: value for name, value in asdict(self).items() if name != "on_bad_row"}


def scheme_of_flag(given: str | None) -> Scheme | None:
    """Return the scheme that --tag-scheme names. Raises UserError for an unknown one."""
    return None if given is None else scheme_named(given)
