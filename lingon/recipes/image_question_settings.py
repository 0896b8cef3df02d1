"""Where questions on images come from, as flags."""

from dataclasses import KW_ONLY, asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.errors import UserError
from lingon.recipes.file_settings import Encoding, Files, Quoting, bad_rows

if TYPE_CHECKING:
    from lingon.data.image_questions import ImageQuestionSplits

SMALLEST, LARGEST = 8, 1024  # pixels of a side


@dataclass(frozen=True)
class QuestionsOnImages:
    """Questions on images: a corpus, or a table of the user's with the columns image, question and answer."""

    data: Annotated[
        str,
        Option(
            help="A corpus (easy-vqa, scene-questions), or your csv, tsv, jsonl or parquet with the columns image, "
            "question and answer; paths of images count from its folder."
        ),
    ]
    _: KW_ONLY
    image_size: Annotated[
        int | None,
        Option(help="Side in pixels that images are brought to, all of each kept; that of the corpus, or 64."),
    ] = None
    test: Annotated[str | None, Option(help="Test file. Default: some images of the data are held out.")] = None
    valid: Annotated[str | None, Option(help="Validation file. Default: some images of the data are held out.")] = None
    on_bad_row: Annotated[
        str, Option(help="A row without question or answer, or with an unreadable image: stop, or skip it.")
    ] = "stop"
    encoding: Encoding = "utf-8"
    quoting: Quoting = "auto"

    def read(self) -> "ImageQuestionSplits":
        """Return training, validation and test questions, divided by image, the same whatever the seed."""
        from lingon.data.load_image_questions import load_image_question_splits

        if self.image_size is not None and not SMALLEST <= self.image_size <= LARGEST:
            raise UserError(f"--image-size is {self.image_size}; expected {SMALLEST} to {LARGEST} pixels")
        files = Files(self.encoding, self.quoting)
        return load_image_question_splits(
            self.data, self.test, self.valid, bad_rows(self.on_bad_row), files, self.image_size
        )

    def record(self) -> dict[str, Any]:
        """Return what tells this data from other data, for run.json."""
        return {name: value for name, value in asdict(self).items() if name != "on_bad_row"}
