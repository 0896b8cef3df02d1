"""Where training data comes from, by the shape of the examples that a task takes: flags, and a way to read them."""

from dataclasses import KW_ONLY, asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.errors import UserError
from lingon.data.problem_types import PROBLEM_TYPES
from lingon.recipes.boxes_settings import BoxedImageFiles
from lingon.recipes.captioned_settings import CaptionedImageFiles
from lingon.recipes.chat_settings import ConversationFiles
from lingon.recipes.file_settings import (
    BadRow,
    Encoding,
    Files,
    Quoting,
    TextColumn,
    TextPair,
    bad_rows,
    one_column,
    problem_type_of,
)
from lingon.recipes.image_collection_settings import PlainImages
from lingon.recipes.image_question_settings import QuestionsOnImages
from lingon.recipes.image_settings import LabelledImageFiles
from lingon.recipes.parallel_settings import ParallelFiles
from lingon.recipes.question_settings import AnsweredQuestions
from lingon.recipes.tagged_settings import TaggedTexts
from lingon.recipes.treebank_settings import Treebanks
from lingon.tasks.task_row import DataShape

if TYPE_CHECKING:
    from lingon.data.documents import Documents
    from lingon.data.examples import Splits
    from lingon.data.labelled_images import ImageSplits
    from lingon.data.masked_images import MaskedSplits
    from lingon.data.text_pairs import PairSplits

Label = Annotated[
    str | None, Option(help="Label column, or several columns of 0 and 1, such as a,b,c. Default: detected.")
]
Problem = Annotated[str | None, Option(help=f"Type of the labels: {', '.join(PROBLEM_TYPES)}. Default: detected.")]
Licence = Annotated[
    bool, Option("--accept-licence", help="Accept that the licence of a text is unclear, such as that of ptb.")
]


@dataclass(frozen=True)
class LabelledTexts:
    """Texts or images with labels: a corpus, or a file or folder of the user's."""

    data: Annotated[str, Option(help="A corpus (lingon data list), or your own csv, tsv, jsonl, parquet or folder.")]
    _: KW_ONLY
    text: TextColumn = None
    label: Label = None
    text_pair: TextPair = None
    problem_type: Problem = None
    test: Annotated[str | None, Option(help="Test file. Default: a part of the data is held out.")] = None
    valid: Annotated[str | None, Option(help="Validation file. Default: a part of the data is held out.")] = None
    on_bad_row: BadRow = "stop"
    encoding: Encoding = "utf-8"
    quoting: Quoting = "auto"
    image_size: Annotated[
        int | None, Option(help="Height and width of the images, in pixels. Default: their own up to 64, else 64.")
    ] = None
    image_fit: Annotated[
        str | None,
        Option(
            help="How an image of another shape is fitted: crop (its middle), pad (on white) or stretch. Default: crop."
        ),
    ] = None

    @property
    def holds_images(self) -> bool:
        """Return whether the data are images."""
        from lingon.data.load_images import holds_labelled_images

        return holds_labelled_images(self.data)

    def read(self) -> "Splits | ImageSplits":
        """Return training, validation and test examples: of texts, or of images where the data are such.

        How texts are split does not follow the seed: runs of several seeds share their test, and a later evaluation
        finds it again.
        """
        if self.holds_images:
            return self._read_images()
        for name in ("image_size", "image_fit"):
            if getattr(self, name) is not None:
                raise UserError(
                    f"--{name.replace('_', '-')} is for images, and {self.data!r} holds texts; leave it out"
                )
        from lingon.data.load_data import load_data

        text, files = one_column(self.text), Files(self.encoding, self.quoting)
        columns: dict[str, Any] = {"text": text, "label": self.label, "text_pair": self.text_pair}
        kind = problem_type_of(self.problem_type)
        rows = bad_rows(self.on_bad_row)
        parts: dict[str, Any] = {"test": self.test, "valid": self.valid}
        return load_data(self.data, **columns, **parts, on_bad_row=rows, options=files, problem_type=kind)

    def _read_images(self) -> "ImageSplits":
        from lingon.data.load_images import load_images

        for name in ("text", "label", "text_pair", "problem_type", "encoding", "quoting"):
            if getattr(self, name) != getattr(LabelledTexts, name):
                raise UserError(
                    f"--{name.replace('_', '-')} is for texts, and {self.data!r} holds images; leave it out"
                )
        fit: Any = self.image_fit
        return load_images(self.data, self.image_size, fit, self.test, self.valid, bad_rows(self.on_bad_row))

    def record(self) -> dict[str, Any]:
        """Return what tells this data from other data, for run.json."""
        found = asdict(self) | {"text": one_column(self.text)}
        return {name: value for name, value in found.items() if name != "on_bad_row"}


@dataclass(frozen=True)
class RunningText:
    """Running text: corpora, or files, tables or folders of the user's."""

    data: Annotated[
        list[str] | None,
        Option(help="A text (lingon data list), or your own file, table or folder; repeatable. Default: austen."),
    ] = None
    _: KW_ONLY
    text: TextColumn = None
    accept_licence: Licence = False
    encoding: Encoding = "utf-8"
    quoting: Quoting = "auto"

    @property
    def sources(self) -> list[str]:
        return list(self.data or ["austen"])

    def read(self) -> "Documents":
        """Return the documents of each part. Raises UserError or DataError when the first cannot be read."""
        from lingon.data.documents import Documents
        from lingon.data.running_text import read_documents, sources_fingerprint

        text, files = one_column(self.text), Files(self.encoding, self.quoting)
        of = partial(read_documents, self.sources, accept_licence=self.accept_licence, text=text, options=files)
        next(of("train"), None)  # so that a wrong name leaves an old run alone
        return Documents(of, sources_fingerprint(self.sources, text, files))

    def record(self) -> dict[str, Any]:
        """Return what tells this data from other data, for run.json."""
        found = asdict(self) | {"data": self.sources, "text": one_column(self.text)}
        return {name: value for name, value in found.items() if name != "accept_licence"}


Negative = Annotated[list[str] | None, Option(help="Column with hard negatives of the first text; repeatable.")]
Score = Annotated[str | None, Option(help="Column with the scores of pairs, or with the labels of single texts.")]


@dataclass(frozen=True)
class PairsOfTexts:
    """Pairs of texts, with scores or without; or texts with labels, of which those of one label belong together."""

    data: Annotated[
        str,
        Option(help="A corpus (stsb, or one with labels), or your own csv, tsv, jsonl or parquet with text pairs."),
    ]
    _: KW_ONLY
    text: TextColumn = None
    text_pair: TextPair = None
    negative: Negative = None
    label: Score = None
    test: Annotated[str | None, Option(help="Test file. Default: a part of the data is held out.")] = None
    valid: Annotated[str | None, Option(help="Validation file. Default: a part of the data is held out.")] = None
    on_bad_row: BadRow = "stop"
    encoding: Encoding = "utf-8"
    quoting: Quoting = "auto"

    def read(self) -> "PairSplits | Splits":
        """Return training, validation and test pairs, or texts with labels."""
        from lingon.data.load_pairs import load_pair_splits

        columns = (one_column(self.text), self.text_pair, self.negative or [], self.label)
        files = Files(self.encoding, self.quoting)
        return load_pair_splits(self.data, *columns, self.test, self.valid, bad_rows(self.on_bad_row), files)

    def record(self) -> dict[str, Any]:
        """Return what tells this data from other data, for run.json."""
        found = asdict(self) | {"text": one_column(self.text)}
        return {name: value for name, value in found.items() if name != "on_bad_row"}


@dataclass(frozen=True)
class ImagesWithMasks:
    """Images with a class for every pixel: composed scenes, or a folder of the user's."""

    data: Annotated[str, Option(help="scenes (composed of stamps), or your folder with images/ and masks/ in it.")]
    _: KW_ONLY
    image_size: Annotated[
        int | None,
        Option(
            help="Height and width, in pixels, that images are stretched to. Default: 64 for scenes, 128 for your own."
        ),
    ] = None
    test: Annotated[str | None, Option(help="Test folder. Default: a fifth of the data.")] = None
    valid: Annotated[str | None, Option(help="Validation folder. Default: a tenth of the data.")] = None

    def read(self) -> "MaskedSplits":
        """Return training, validation and test images; how they are divided does not follow the seed."""
        from lingon.data.load_masks import load_masked_splits

        return load_masked_splits(self.data, self.test, self.valid, self.image_size)

    def record(self) -> dict[str, Any]:
        """Return what tells this data from other data, for run.json."""
        return asdict(self)


Source = (
    LabelledTexts
    | RunningText
    | PairsOfTexts
    | AnsweredQuestions
    | Treebanks
    | TaggedTexts
    | ParallelFiles
    | ConversationFiles
    | QuestionsOnImages
    | CaptionedImageFiles
    | PlainImages
    | BoxedImageFiles
    | ImagesWithMasks
    | LabelledImageFiles
)
SOURCES: dict[DataShape, type[Source]] = {
    "labelled texts": LabelledTexts,
    "running text": RunningText,
    "pairs of texts": PairsOfTexts,
    "questions": AnsweredQuestions,
    "trees": Treebanks,
    "tagged sentences": TaggedTexts,
    "parallel texts": ParallelFiles,
    "conversations": ConversationFiles,
    "questions on images": QuestionsOnImages,
    "captioned images": CaptionedImageFiles,
    "images": PlainImages,
    "images with boxes": BoxedImageFiles,
    "images with masks": ImagesWithMasks,
    "labelled images": LabelledImageFiles,
}
