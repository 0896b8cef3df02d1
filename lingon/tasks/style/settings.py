"""The settings of a style network's training."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from lingon.core.errors import UserError
from lingon.models.registry import get_entry, models_for
from lingon.tasks.settings import TrainSettings, check_settings, fill
from lingon.tasks.tuning_options import require_tuning

if TYPE_CHECKING:
    from lingon.tasks.pretrained import Pretrained

CROP_SIDES = (32, 512)
USUAL: dict[str, Any] = {"crop": 96, "crops": 400, "style_size": 256, "style_weight": 5.0, "content_weight": 1.0}
USUAL |= {"total_variation_weight": 5.0, "epochs": 4.0}
FEW = 1.0  # epochs of a network that can paint already


@dataclass(frozen=True)
class Settings(TrainSettings):
    """How a style network is made and trained. None means the model's default (see its ENTRY)."""

    model: Annotated[str, Option(help="Model: " + " or ".join(models_for("stylizer")) + ".")] = "style_network"
    style: Annotated[str, Option(help="Picture with the style: a file, or a name such as starry-night.")] = (
        "starry-night"
    )
    style_size: Annotated[int | None, Option(help="Pixels of the longer side of that picture. Default: 256.")] = None
    crop: Annotated[
        int | None, Option(help="Side of the squares that are cut from the photos, in pixels. Default: 96.")
    ] = None
    crops: Annotated[int | None, Option(help="Number of these squares, of all photos together. Default: 400.")] = None
    batch_size: Annotated[int | None, Option(help="Maximum number of squares per batch. Default: 4.")] = None
    width: Annotated[int | None, Option(help="Maps of the first convolution. Default: 16.")] = None
    style_weight: Annotated[float | None, Option(help="Weight of the distance to the style. Default: 5.")] = None
    content_weight: Annotated[float | None, Option(help="Weight of the distance to the photo. Default: 1.")] = None
    total_variation_weight: Annotated[
        float | None, Option(help="Weight of the differences between neighbours: more is smoother. Default: 5.")
    ] = None

    def checked(self) -> "Settings":
        """Return the settings as they are. Raises UserError that names a setting with an impossible value."""
        check_settings(self, {"model": models_for("stylizer")}, ("crops",))
        require_tuning(self, ("full",), "which is for models on pretrained encoders")
        for name, (least, most) in {"crop": CROP_SIDES, "style_size": (32, 1024)}.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise UserError(f"--{name.replace('_', '-')} is {value}; expected {least} to {most:,} pixels")
        for name in ("style_weight", "content_weight", "total_variation_weight"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1e9:
                raise UserError(f"--{name.replace('_', '-')} is {value}; expected 0 to less than 1e9")
        return self

    def started(self, pretrained: "Pretrained") -> "Settings":
        """Return the settings for a training that starts from a style network; see `TrainSettings.started`.

        The learning rate stays that of a fresh network: of another style there is more to learn.
        """
        from lingon.tasks.own_weights import started_from_own
        from lingon.tasks.style.stylizer import Stylizer

        return replace(started_from_own(self, pretrained, Stylizer, "a style network such as wave"), lr=self.lr)

    def filled(self, data: Any) -> "Settings":
        """Return the settings with every None replaced by the model's default. data: an `ImageCollection`."""
        best = {**USUAL, **get_entry(self.model).defaults}
        if self.from_ is not None:
            best = {**best, "epochs": FEW, "width": None}  # the weights have their own width
        return fill(self, best)
