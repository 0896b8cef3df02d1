"""The flags of tasks that learn from plain images."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

if TYPE_CHECKING:
    from lingon.data.image_collection import ImageCollection


@dataclass(frozen=True)
class PlainImages:
    """Images without labels: a folder of the user's, or a set by name."""

    data: Annotated[
        str, Option(help="Folder of images, a set of them (lingon data list), or photos: eight of scikit-image.")
    ] = "photos"

    def read(self) -> "ImageCollection":
        """Return training, validation and test images; how they are divided does not follow the seed."""
        from lingon.data.image_collection import load_image_collection

        return load_image_collection(self.data)

    def record(self) -> dict[str, Any]:
        """Return what tells this data from other data, for run.json."""
        return asdict(self)
