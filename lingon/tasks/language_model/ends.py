"""The ids that end a text, as the configuration of a bundle has them."""

from collections.abc import Mapping
from typing import Any

from lingon.core.config_keys import want
from lingon.core.errors import DataError


def ends_in(config: Mapping[str, Any], size: int | None = None) -> list[int]:
    """Return `eos_ids` of a configuration. size: of the model's vocabulary, where it is known.

    Raises DataError for anything that is not a list of ids from 0 to `size` - 1.
    """
    found = list(want(config, "eos_ids", (list, tuple), "a list of ids"))  # a tuple, where no file was between
    if not all(type(end) is int and end >= 0 for end in found):
        raise DataError(f"key 'eos_ids' is {str(found)[:40]!r}, expected a list of ids, 0 or more")
    if size is not None and (beyond := [end for end in found if end >= size]):
        has = f"expected ids from 0 to {size - 1:,}, which the model has"
        raise DataError(f"key 'eos_ids' has {beyond[0]}, {has}")
    return found
