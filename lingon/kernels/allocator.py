"""Keep memory freed by a training step for the next one, by tuning the allocator of glibc."""

import ctypes
import os
import sys

# Parameters of glibc's mallopt(3), in bytes: up to 512 MB are kept at the end of the heap, which grows by extra 32 MB.
KEPT = {"M_TRIM_THRESHOLD": (-1, 512 << 20), "M_TOP_PAD": (-2, 32 << 20)}

# The values that glibc adapts to by itself after an array of 32 MB has been freed.
USUAL = {"M_TRIM_THRESHOLD": (-1, 64 << 20), "M_TOP_PAD": (-2, 128 << 10), "M_MMAP_THRESHOLD": (-3, 32 << 20)}


def keep_freed_memory(largest: int = 256 << 20) -> bool:
    """Make glibc keep freed memory in the process; return whether that is possible.

    largest: maximum bytes of arrays whose memory is kept; that of larger ones is returned to the system at once.

    By default glibc returns large arrays to the system at once, which then clears every page of the next one: a tenth
    of the time of a training step with such arrays. This is for steps of constant size, such as those of language
    models: with varying sizes memory fragments, and the peak grows by a fifth for less gain (docs/log.md). Values set
    by the user (MALLOC_TRIM_THRESHOLD_ and the like) are respected.
    """
    return _ask(KEPT | {"M_MMAP_THRESHOLD": (-3, largest)}) is not None


def give_back_freed_memory() -> bool:
    """Make glibc return the memory it keeps and use its defaults again; return whether that is possible.

    To be called after training: what follows needs arrays of other sizes, for which the kept memory is of no use.
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
