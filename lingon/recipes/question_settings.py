"""Where answered questions come from, as flags."""

from dataclasses import KW_ONLY, asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.recipes.file_settings import BadRow, Encoding, Files, bad_rows

if TYPE_CHECKING:
    from lingon.data.questions import QuestionSplits


@dataclass(frozen=True)
class AnsweredQuestions:
    """Questions on passages, with answers: a corpus, or a file of the user's in the layout of SQuAD."""

    data: Annotated[
        str, Option(help="A corpus (lingon data list), or your own json, jsonl or parquet in SQuAD format.")
    ]
    _: KW_ONLY
    test: Annotated[
        str | None, Option(help="Test corpus or file. Default: some passages of the data are held out.")
    ] = None
    on_bad_row: BadRow = "stop"
    encoding: Encoding = "utf-8"

    def read(self) -> "QuestionSplits":
        """Return training, validation and test questions, divided by passage, the same whatever the seed."""
        from lingon.data.load_questions import load_question_splits

        return load_question_splits(self.data, self.test, bad_rows(self.on_bad_row), Files(self.encoding))

    def record(self) -> dict[str, Any]:
        """Return what tells this data from other data, for run.json."""
        return {name: value for name, value in asdict(self).items() if name != "on_bad_row"}
