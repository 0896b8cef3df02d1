"""Where pairs of source and target texts come from, as flags."""

from dataclasses import KW_ONLY, asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.recipes.file_settings import Encoding, Files, Quoting, TextColumn, bad_rows, one_column

if TYPE_CHECKING:
    from lingon.data.files.open_parallel import ParallelReading
    from lingon.data.parallel_texts import ParallelSplits

Target = Annotated[
    str | None, Option(help="Target column, or the target file of two aligned files. Default: detected.")
]
SourceLang = Annotated[str | None, Option(help="Language of the source texts, such as en; selects files and columns.")]
TargetLang = Annotated[str | None, Option(help="Language of the target texts, such as de.")]
MaxWords = Annotated[
    int, Option(help="Maximum words on a side (Chinese and Japanese: characters); longer pairs are dropped.")
]
LengthRatio = Annotated[
    float, Option(help="Maximum ratio of the lengths of both sides, in characters; other pairs are dropped.")
]


@dataclass(frozen=True)
class ParallelFiles:
    """Pairs of source and target texts: a corpus, or a table, two aligned files or a folder of the user's."""

    data: Annotated[
        str, Option(help="A corpus (lingon data list), your own tsv, csv or jsonl, or the first of two aligned files.")
    ]
    _: KW_ONLY
    text: TextColumn = None
    target: Target = None
    source_lang: SourceLang = None
    target_lang: TargetLang = None
    test: Annotated[
        str | None, Option(help="Test corpus or file. Default: a fifth of the data, at most about 2,000 pairs.")
    ] = None
    valid: Annotated[
        str | None,
        Option(help="Validation corpus or file. Default: a tenth of the rest, at most about 2,000 pairs."),
    ] = None
    max_words: MaxWords = 250
    max_length_ratio: LengthRatio = 5.0
    on_bad_row: Annotated[str, Option(help="A pair that cannot be read: stop, or skip it.")] = "stop"
    encoding: Encoding = "utf-8"
    quoting: Quoting = "auto"

    def read(self) -> "ParallelSplits":
        """Return training, validation and test pairs; how they are divided does not follow the seed."""
        from lingon.data.clean_parallel import CleaningRules
        from lingon.data.load_parallel import load_parallel_splits

        rules = CleaningRules(self.max_words, self.max_length_ratio)
        return load_parallel_splits(self.data, self.reading(), rules, self.test, self.valid)

    def reading(self) -> "ParallelReading":
        """Return how files are read."""
        from lingon.data.files.open_parallel import ParallelReading

        languages = (self.source_lang, self.target_lang)
        files = Files(self.encoding, self.quoting)
        return ParallelReading(one_column(self.text), self.target, languages, bad_rows(self.on_bad_row), files)

    def record(self) -> dict[str, Any]:
        """Return what tells this data from other data, for run.json."""
        found = asdict(self) | {"text": one_column(self.text)}
        return {name: value for name, value in found.items() if name != "on_bad_row"}
