"""Random numbers that depend only on a seed, an epoch and a row: the same in any batch, process or resumed run."""

from collections.abc import Iterator, Sequence

import numpy as np

from lingon.core.seed import derive


def row_generators(seed: int, name: str, epoch: int, rows: Sequence[int] | np.ndarray) -> Iterator[np.random.Generator]:
    """Yield the generator of each row, which must be used before the next is requested.

    name: of the purpose. Counter-based (Philox): the numbers of a row are drawn without those of the rows before it.
    """
    bits = np.random.Philox(key=derive(seed, name, epoch))
    state = bits.state
    for row in rows:
        state["state"]["counter"][:] = (0, int(row), 0, 0)
        state["buffer_pos"] = 4
        bits.state = state
        yield np.random.Generator(bits)
