"""A limit on the total number of pixels of the images of a file or folder, which are kept in memory."""

from collections.abc import Sequence
from pathlib import Path

from lingon.core.errors import DataError

MOST_BYTES = 4 << 30


def check_memory(images: int, image_size: Sequence[int], path: str | Path, channels: int = 3) -> None:
    """Raise DataError for more images than fit into 4 GB, one byte per channel. image_size: height, width in pixels."""
    height, width = image_size
    if images * height * width * channels > MOST_BYTES:
        raise DataError(
            f"{path}: {images:,} images of {height} x {width} pixels are more than 4 GB; "
            "give a smaller --image-size, or fewer images"
        )
