"""The memory plan: live ranges of values, and buffers shared by values whose live ranges do not overlap."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Life:
    """The live range of a value that needs memory.

    born, dies: the first and the last step that use it. kept: it is a result of the program, never freed. over: values
    whose buffer it may take although they die in the step in which it is born, because that step reads each element
    before it writes to its position.
    """

    name: str
    nbytes: int
    born: int
    dies: int
    kept: bool = False
    over: frozenset[int] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Layout:
    """Layout of memory. buffer_of: buffer of each value. sizes: bytes, born, dies: first and last step, by buffer."""

    buffer_of: tuple[int, ...]
    sizes: tuple[int, ...]
    born: tuple[int, ...]
    dies: tuple[int, ...]

    def peak(self) -> int:
        """Return the maximum number of bytes held at once."""
        steps = sorted({*self.born, *self.dies})
        return max((self.held(step) for step in steps), default=0)

    def held(self, step: int) -> int:
        """Return the bytes held while a step runs."""
        return sum(n for n, a, b in zip(self.sizes, self.born, self.dies, strict=True) if a <= step <= b)


def shared_buffers(lives: Sequence[Life], steps: int) -> Layout:
    """Return a layout with shared buffers: a value gets the smallest sufficient free one, the largest enlarged, or new.

    A kept value takes no larger buffer than it needs, since it is never freed. lives: in the order of birth.
    """
    buffer_of: list[int] = []
    sizes: list[int] = []
    holder: list[int] = []  # the value currently in each buffer
    for life in lives:
        free = [b for b, v in enumerate(holder) if _free(lives[v], v, life)]
        fitting = [b for b in free if sizes[b] >= life.nbytes and not (life.kept and sizes[b] > life.nbytes)]
        smaller = [b for b in free if sizes[b] < life.nbytes]
        if fitting:
            chosen = min(fitting, key=lambda b: sizes[b])
        elif smaller:
            chosen = max(smaller, key=lambda b: sizes[b])
            sizes[chosen] = life.nbytes
        else:
            chosen = len(sizes)
            sizes.append(life.nbytes)
            holder.append(-1)
        holder[chosen] = len(buffer_of)
        buffer_of.append(chosen)
    return _layout(lives, buffer_of, sizes, steps)


def separate_buffers(lives: Sequence[Life], steps: int) -> Layout:
    """Return a layout without sharing: each value keeps a buffer to the end, as if every line assigned a variable."""
    sizes = tuple(life.nbytes for life in lives)
    return Layout(tuple(range(len(lives))), sizes, tuple(life.born for life in lives), (steps,) * len(lives))


def _free(before: Life, value: int, life: Life) -> bool:
    return not before.kept and (before.dies < life.born or (before.dies == life.born and value in life.over))


def _layout(lives: Sequence[Life], buffer_of: list[int], sizes: list[int], steps: int) -> Layout:
    born, dies = [steps] * len(sizes), [0] * len(sizes)
    for life, b in zip(lives, buffer_of, strict=True):
        born[b] = min(born[b], life.born)
        dies[b] = max(dies[b], steps if life.kept else life.dies)
    return Layout(tuple(buffer_of), tuple(sizes), tuple(born), tuple(dies))
