"""Where conversations come from, as flags."""

from dataclasses import KW_ONLY, asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.recipes.file_settings import BadRow, Encoding, Files, bad_rows

if TYPE_CHECKING:
    from lingon.data.conversations import ConversationSplits


@dataclass(frozen=True)
class ConversationFiles:
    """Conversations, or answers that are preferred to others: files of the user's."""

    data: Annotated[
        str,
        Option(
            help="Your jsonl, json, parquet or csv: rows with messages, with prompt and completion, or, to tune on "
            "preferences, with prompt, chosen and rejected."
        ),
    ]
    _: KW_ONLY
    test: Annotated[str | None, Option(help="Test file. Default: a tenth of the data is held out.")] = None
    valid: Annotated[str | None, Option(help="Validation file. Default: a tenth of the data is held out.")] = None
    on_bad_row: BadRow = "stop"
    encoding: Encoding = "utf-8"

    def read(self) -> "ConversationSplits":
        """Return training, validation and test conversations, divided by question, the same whatever the seed."""
        from lingon.data.load_conversations import load_conversation_splits

        rows = bad_rows(self.on_bad_row)
        return load_conversation_splits(self.data, self.test, self.valid, rows, Files(self.encoding))

    def record(self) -> dict[str, Any]:
        """Return what tells this data from other data, for run.json."""
        return {name: value for name, value in asdict(self).items() if name != "on_bad_row"}
