"""Where images with captions come from, as flags."""

from dataclasses import KW_ONLY, asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.errors import UserError
from lingon.recipes.file_settings import Encoding, Files, Quoting, bad_rows

if TYPE_CHECKING:
    from lingon.data.captioned_images import CaptionSplits

LEAST, MOST = 16, 512  # pixels of a side


@dataclass(frozen=True)
class CaptionedImageFiles:
    """Images with captions: a set, or a folder or table of the user's."""

    data: Annotated[
        str,
        Option(help="stamps, scenes, your folder with captions.csv or captions.jsonl, or the captions json of COCO."),
    ]
    _: KW_ONLY
    language: Annotated[
        str | None, Option(help="Language of the captions of a data set that has several, such as de. Default: en.")
    ] = None
    image_size: Annotated[int, Option(help="Height and width that images are brought to, in pixels.")] = 64
    test: Annotated[str | None, Option(help="Test table. Default: a fifth of the data.")] = None
    valid: Annotated[str | None, Option(help="Validation table. Default: a tenth of the data.")] = None
    on_bad_row: Annotated[str, Option(help="An empty caption, or one without an image: stop, or skip it.")] = "stop"
    encoding: Encoding = "utf-8"
    quoting: Quoting = "auto"

    def read(self) -> "CaptionSplits":
        """Return training, validation and test images; how they are divided does not follow the seed."""
        from lingon.data.load_captions import load_caption_splits

        if not LEAST <= self.image_size <= MOST or self.image_size % 8:
            size = f"a number from {LEAST} to {MOST} that can be divided by 8"
            raise UserError(f"--image-size is {self.image_size}; expected {size}")
        files, rows = Files(self.encoding, self.quoting), bad_rows(self.on_bad_row)
        return load_caption_splits(self.data, self.image_size, self.language, self.test, self.valid, rows, files)

    def record(self) -> dict[str, Any]:
        """Return what tells this data from other data, for run.json."""
        return {name: value for name, value in asdict(self).items() if name != "on_bad_row"}
