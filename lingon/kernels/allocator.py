"""Memory that a step frees is kept for the next one, where the C library can be asked to."""

import ctypes
import os
import sys

# Names of glibc's mallopt(3), and bytes: the heap's end is kept up to 512 MB and grows by 32 MB more than it must.
KEPT = {"M_TRIM_THRESHOLD": (-1, 512 << 20), "M_TOP_PAD": (-2, 32 << 20)}

# What glibc comes to by itself once an array of 32 MB was freed.
USUAL = {"M_TRIM_THRESHOLD": (-1, 64 << 20), "M_TOP_PAD": (-2, 128 << 10), "M_MMAP_THRESHOLD": (-3, 32 << 20)}


def keep_freed_memory(largest: int = 256 << 20) -> bool:
    """Make glibc keep freed memory in the process; return whether it could be asked.

    largest: bytes of the arrays that come from the heap and are kept; larger ones are given back at once.

    By itself it gives large arrays back to the system at once, which then clears every page of the next one: a tenth
    of a training step that makes such arrays. It is for steps that are all of one size, as those of language models:
    where sizes change, holes are left, and the most memory grows by a fifth for less gain (docs/log.md). Whoever has
    set these numbers (MALLOC_TRIM_THRESHOLD_ and the like) keeps them.
    """
    return _ask(KEPT | {"M_MMAP_THRESHOLD": (-3, largest)}) is not None


def give_back_freed_memory() -> bool:
    """Make glibc give back what it keeps, and keep no more than by itself; return whether it could be asked.

    It is for what follows a training: its sizes are others, for which what was kept is of no use.
    """
    library = _ask(USUAL)
    return library is not None and library.malloc_trim(0) in (0, 1)


def _ask(numbers: dict[str, tuple[int, int]]) -> ctypes.CDLL | None:
    chosen = any(name.startswith(("MALLOC_T", "MALLOC_M", "GLIBC_TUNABLES")) for name in os.environ)
    if sys.platform != "linux" or chosen:
        return None
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return None
    asked = [library.mallopt(*number) for number in numbers.values()]
    return library if all(asked) else None
