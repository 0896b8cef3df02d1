"""Where labelled images come from, as flags."""

from dataclasses import KW_ONLY, asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.recipes.file_settings import bad_rows

if TYPE_CHECKING:
    from lingon.data.labelled_images import ImageSplits


@dataclass(frozen=True)
class LabelledImageFiles:
    """Images with a label each: a set, or a folder of the user's with a folder for each label."""

    data: Annotated[
        str, Option(help="A set of images (lingon data list), or your folder with a folder of images for each label.")
    ]
    _: KW_ONLY
    image_size: Annotated[
        int | None, Option(help="Height and width of the images, in pixels. Default: their own up to 64, else 64.")
    ] = None
    image_fit: Annotated[
        str | None,
        Option(
            help="How an image of another shape is fitted: crop (its middle), pad (on white) or stretch. Default: crop."
        ),
    ] = None
    test: Annotated[str | None, Option(help="Test folder. Default: a part of the data is held out.")] = None
    valid: Annotated[str | None, Option(help="Validation folder. Default: a part of the data is held out.")] = None
    on_bad_row: Annotated[str, Option(help="A file that is not an image: stop, or skip it.")] = "stop"

    def read(self) -> "ImageSplits":
        """Return training, validation and test images; how they are divided does not follow the seed."""
        from lingon.data.load_images import load_images

        fit: Any = self.image_fit
        return load_images(self.data, self.image_size, fit, self.test, self.valid, bad_rows(self.on_bad_row))

    def record(self) -> dict[str, Any]:
        """Return what tells this data from other data, for run.json."""
        return {name: value for name, value in asdict(self).items() if name != "on_bad_row"}
