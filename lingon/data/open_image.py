"""Opens an image that a user names: a file, or a photo or painting by its name, such as chelsea or starry-night."""

from pathlib import Path

import numpy as np

from lingon.core.errors import UserError, suggest
from lingon.data.corpora.images import IMAGES, load_image_set
from lingon.data.corpora.named_images import SET_OF, NamedImages
from lingon.data.files.images import Mode, image_paths, read_image
from lingon.data.rgb_pixels import rgb_pixels

PHOTOS = "photos"  # the colour photos of objects in skimage-photos, for training
# The first is for the test, the second for validation, and the others are for training.
COLOURS = ("chelsea", "astronaut", "coffee", "motorcycle", "rocket", "hubble", "ihc", "retina")


def is_photos(source: str | Path) -> bool:
    """Return whether this is the set `photos`, rather than a file or folder of that name."""
    return str(source) == PHOTOS and not Path(source).exists()


def open_image(source: str | Path | np.ndarray, mode: Mode = "RGB") -> np.ndarray:
    """Return the pixels of an image, uint8 [H, W, C]; an array of such pixels is returned as it is.

    source: a file, or the name of an image of a set, which is fetched. A file of that name has priority. Raises
    UserError with suggestions for an unknown name, DataError for a file that is not an image.
    """
    if isinstance(source, np.ndarray):
        return rgb_pixels(source)
    if not Path(source).exists() and str(source) in SET_OF:
        return read_image(load_image_set(SET_OF[str(source)]).paths[str(source)], mode)
    if not Path(source).is_file():
        raise UserError(
            f"there is no file {str(source)!r}, and no picture of that name; {suggest(str(source), SET_OF)}"
        )
    return read_image(source, mode)


def open_images(source: str | Path) -> dict[str, np.ndarray]:
    """Return RGB images by name: of a folder, a file, a named image, a set of images, or `photos`.

    Raises UserError for an unknown name or path, DataError for a file that is not an image.
    """
    if is_photos(source):
        return {name: open_image(name) for name in COLOURS}
    if not Path(source).exists() and str(source) in IMAGES:
        found = load_image_set(str(source))
        if not isinstance(found, NamedImages):
            raise UserError(f"{source!r} are {IMAGES[str(source)].shape}; expected plain images, such as {PHOTOS}")
        return {name: read_image(path) for name, path in found.paths.items()}
    if not Path(source).exists():
        return {str(source): open_image(source)}
    return {str(path): read_image(path) for path in image_paths([Path(source)])}
