"""Where dependency trees come from, as flags."""

from dataclasses import KW_ONLY, asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.recipes.file_settings import Encoding, bad_rows

if TYPE_CHECKING:
    from lingon.data.trees import TreeSplits


@dataclass(frozen=True)
class Treebanks:
    """Sentences with dependency trees: a treebank, or CoNLL-U files of the user's."""

    data: Annotated[
        str,
        Option(help="A treebank (lingon data list), your own .conllu file, or a folder of train, dev and test files."),
    ]
    _: KW_ONLY
    test: Annotated[str | None, Option(help="Test file. Default: a fifth of the data.")] = None
    valid: Annotated[str | None, Option(help="Validation file. Default: a tenth of the data.")] = None
    on_bad_row: Annotated[
        str, Option(help="An invalid sentence, or one without a tree: stop (default), or skip it.")
    ] = "stop"
    encoding: Encoding = "utf-8"

    def read(self) -> "TreeSplits":
        """Return training, validation and test trees; how they are divided does not follow the seed."""
        from lingon.data.load_trees import load_tree_splits

        return load_tree_splits(self.data, self.test, self.valid, self.encoding, bad_rows(self.on_bad_row))

    def record(self) -> dict[str, Any]:
        """Return what tells this data from other data, for run.json."""
        return {name: value for name, value in asdict(self).items() if name != "on_bad_row"}
