"""Image files of the user, png, jpeg and others, as arrays of pixels, with a limit on the decompressed size."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lingon.core.errors import DataError, UserError
from lingon.core.files import atomic_write
from lingon.core.optional_packages import install_command

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "ENDINGS",
    "check_image_path",
    "fit_image",
    "image_paths",
    "png_bytes",
    "read_image",
    "resize_image",
    "save_image",
]

ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
MOST_PIXELS = 50_000_000  # of a file: 150 MB as RGB; a photo taken with a phone has 12 to 50 million
MOST_BYTES = 250_000_000  # of a file: MOST_PIXELS in RGBA without compression, and some more
MODES = {"RGB": 3, "L": 1, "RGBA": 4}
Mode = Literal["RGB", "L", "RGBA"]
Fit = Literal["crop", "pad", "stretch"]


def pillow() -> Any:
    """Return the module PIL.Image. Raises UserError with the command that installs it."""
    try:
        from PIL import Image, ImageFile
    except ImportError:
        raise UserError(f"images need Pillow; install it with: {install_command('pictures')}") from None
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    return Image


def read_image(source: Path | str | bytes, mode: Mode = "RGB", name: str | None = None) -> np.ndarray:
    """Return the pixels of an image as uint8 [H, W, C], C by `mode`: 3 of RGB, 1 of L (grey), 4 of RGBA.

    source: a path, or the bytes of a file, which messages call `name`. The rotation noted in EXIF is applied. Sixteen
    bits are converted to eight, CMYK and palettes to `mode`; if the mode has no alpha, the background is white. Of an
    animation the first frame is read. Raises DataError naming the file for a file that is not an image, is truncated,
    or has more than 50 million pixels (before decompressing it).
    """
    label = name or (str(source) if isinstance(source, Path | str) else "image")
    if not isinstance(source, bytes):
        if not Path(source).is_file():
            raise UserError(f"there is no file {label!r}")
        if (size := Path(source).stat().st_size) > MOST_BYTES:
            raise DataError(
                f"{label}: {size / 1e6:,.0f} MB, expected {MOST_BYTES / 1e6:,.0f} MB at most; make it smaller"
            )
        source = Path(source).read_bytes()
    with _named(label):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pillow().DecompressionBombWarning)  # our own limit is the lower one
            image = pillow().open(io.BytesIO(source), formats=FORMATS)
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise DataError(
                f"{label}: {width:,} x {height:,} pixels; at most {MOST_PIXELS:,} are read; make it smaller"
            )
        image.load()
        return _pixels(image, mode)


def _pixels(image: "Image", mode: Mode) -> np.ndarray:
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bits(image)
    if image.mode in ("P", "LA", "PA", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode == "RGBA" and mode != "RGBA":
        paper = pillow().new("RGBA", image.size, (255, 255, 255, 255))
        image = pillow().alpha_composite(paper, image)
    found = np.array(image.convert(mode), np.uint8)
    return found.reshape(*found.shape[:2], MODES[mode])


def _eight_bits(image: "Image") -> "Image":
    """Reduce 16-bit values to their high byte; scale other values so that the smallest is black, the largest white."""
    values = np.asarray(image, np.float64)
    if image.mode.startswith("I;16") or (values.size and values.min() >= 0 and 255 < values.max() < 65_536):
        return pillow().fromarray((values // 256).astype(np.uint8))
    least = float(values.min(initial=0))
    span = float(values.max(initial=1)) - least
    if not np.isfinite(span):
        raise DataError("pixels that are not numbers")
    return pillow().fromarray(((values - least) * (255 / (span or 1))).astype(np.uint8))


@contextmanager
def _named(label: str) -> Iterator[None]:
    """Turn the errors of a decoder, which are of many types, into a DataError that names the file."""
    from PIL import Image, UnidentifiedImageError

    try:
        yield
    except DataError as error:
        said = str(error)
        raise (error if said.startswith(label) else DataError(f"{label}: {said}")) from None
    except UnidentifiedImageError:
        raise DataError(f"{label}: not an image that is read; expected {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError:
        raise DataError(f"{label}: more than {MOST_PIXELS:,} pixels; make it smaller") from None
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, OverflowError) as error:
        raise DataError(f"{label}: a damaged image ({str(error).strip()[:80] or type(error).__name__})") from None


def resize_image(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize an image [H, W, C], stretching it; bilinear with antialiasing.

    Two calls, width then height: the order within one call changed with Pillow 13, and with it the rounding.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    image = pillow()
    made = image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    for size in ((width, made.height), (width, height)):
        made = made.resize(size, image.Resampling.BILINEAR)
    return np.array(made, np.uint8).reshape(height, width, pixels.shape[-1])


def fit_image(pixels: np.ndarray, height: int, width: int, fit: Fit = "crop") -> np.ndarray:
    """Return an image [H, W, C] in another size: centre-cropped (crop), padded with white (pad), or stretched."""
    if fit == "stretch":
        return resize_image(pixels, height, width)
    scale = (max if fit == "crop" else min)(height / pixels.shape[0], width / pixels.shape[1])
    tall, wide = (max(1, round(side * scale)) for side in pixels.shape[:2])
    pixels = resize_image(pixels, tall, wide)
    if fit == "crop":
        top, left = max(0, tall - height) // 2, max(0, wide - width) // 2
        return resize_image(pixels[top : top + height, left : left + width], height, width)
    paper = np.full((height, width, pixels.shape[-1]), 255, np.uint8)
    top, left = (height - tall) // 2, (width - wide) // 2
    paper[top : top + tall, left : left + wide] = pixels
    return paper


def check_image_path(path: Path | str) -> Path:
    """Return the path of an image that is to be written. Raises UserError for an ending other than an image format."""
    if Path(path).suffix.lower() not in ENDINGS:
        raise UserError(f"{str(path)!r} ends in {Path(path).suffix!r}, expected one of {', '.join(ENDINGS)}")
    return Path(path)


def save_image(path: Path | str, pixels: np.ndarray) -> Path:
    """Write an image, uint8 [H, W, C] or [H, W], in the format given by the ending of its name.

    Raises UserError for an ending other than an image format.
    """
    path = check_image_path(path)
    made = pillow().fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels)
    with atomic_write(path, "wb") as file:
        made.save(file, format=pillow().registered_extensions()[path.suffix.lower()])
    return path


def image_paths(given: list[str] | list[Path]) -> list[Path]:
    """Return the given image files, and those inside the given folders, sorted by name.

    Raises UserError for a missing path, and for a folder without images.
    """
    found = []
    for one in map(Path, given):
        if one.is_dir():
            inside = sorted(p for p in one.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
            if not inside:
                raise UserError(f"{str(one)!r} has no images; expected files that end in {', '.join(ENDINGS)}")
            found += inside
        elif one.is_file():
            found.append(one)
        else:
            raise UserError(f"there is no file {str(one)!r}")
    return found


def png_bytes(pixels: np.ndarray) -> bytes:
    """Return an image, uint8 [H, W, C], as the bytes of a PNG file."""
    file = io.BytesIO()
    pillow().fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, format="PNG")
    return file.getvalue()
