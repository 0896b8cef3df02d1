"""Where images with boxes come from, as flags."""

from dataclasses import KW_ONLY, asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.recipes.file_settings import bad_rows

if TYPE_CHECKING:
    from lingon.data.boxed_images import BoxSplits

ImagesFolder = Annotated[
    str | None, Option("--images", help="Folder of the images of a COCO .json. Default: found next to it.")
]


@dataclass(frozen=True)
class BoxedImageFiles:
    """Images with boxes: a set, or a file or folder of the user's."""

    data: Annotated[
        str,
        Option(help="A set (lingon data list), a folder of Pascal VOC or YOLO, a data.yaml, or a .json of COCO."),
    ]
    _: KW_ONLY
    images: ImagesFolder = None
    test: Annotated[str | None, Option(help="Test data. Default: a fifth of the images.")] = None
    valid: Annotated[str | None, Option(help="Validation data. Default: a tenth of the images.")] = None
    on_bad_row: Annotated[str, Option(help="An image or a box that is invalid: stop (default), or skip it.")] = "stop"

    def read(self) -> "BoxSplits":
        """Return training, validation and test images; how they are divided does not follow the seed."""
        from lingon.data.load_boxes import load_box_splits

        return load_box_splits(self.data, self.test, self.valid, self.images, bad_rows(self.on_bad_row))

    def record(self) -> dict[str, Any]:
        """Return what tells this data from other data, for run.json."""
        return {name: value for name, value in asdict(self).items() if name != "on_bad_row"}
