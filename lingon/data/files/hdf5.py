"""Arrays of an HDF5 file by name, as Keras saves weights; sizes are checked before memory is allocated."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from lingon.core.errors import DataError, UserError
from lingon.core.optional_packages import install_command

Shapes = Mapping[str, tuple[int, ...]]


def read_hdf5(data: bytes, shapes: Shapes, name: str) -> dict[str, np.ndarray]:
    """Return the float32 arrays with these names and shapes; other content of the file is not read.

    data: the bytes of the file, which messages call `name`. Links, arrays stored in other files, and other types or
    shapes are rejected before memory is allocated. Raises DataError naming file and array.
    """
    with _named(name), _hdf5().File(io.BytesIO(data), "r") as file:
        found = {}
        for key, shape in shapes.items():
            array = _dataset(file, key, name)
            if array.shape != shape or array.dtype != np.float32:
                raise DataError(f"{name}: {key} is {array.dtype} of shape {array.shape}, expected float32 of {shape}")
            found[key] = array[...]
    for key, values in found.items():
        if not np.isfinite(values).all():
            raise DataError(f"{name}: {key} has numbers that are not finite")
    return found


def _hdf5() -> Any:
    try:
        import h5py
    except ImportError:
        raise UserError(f"weights in HDF5 need h5py; install it with: {install_command('pictures')}") from None
    return h5py


def _dataset(file: Any, key: str, name: str) -> Any:
    """Return an array of the file itself: no part of its path is a link, and its values are stored in this file."""
    h5py, here = _hdf5(), file
    for part in key.split("/"):
        if not isinstance(here, h5py.Group) or part not in here:
            raise DataError(f"{name}: it has no {key}")
        if not isinstance(here.get(part, getlink=True), h5py.HardLink):
            raise DataError(f"{name}: {key} is a link")
        here = here[part]
    if not isinstance(here, h5py.Dataset):
        raise DataError(f"{name}: {key} is not an array")
    if here.external or here.is_virtual:
        raise DataError(f"{name}: {key} is kept in another file")
    return here


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Turn any error that the library raises on a damaged file into a DataError with the name of the file."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        if isinstance(error, DataError | UserError):
            raise
        raise DataError(f"{name}: not an HDF5 file that can be read ({str(error)[:80]})") from None
