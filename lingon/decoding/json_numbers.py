"""Grammars of numbers in a range, built digit by digit."""

from lingon.decoding.regex import NOTHING, Alternation, CharacterClass, Concatenation, Pattern, Repetition, literal

DIGIT = CharacterClass(((48, 57),))


def integers(low: int, high: int) -> Pattern:
    """Return the grammar of integers from low to high, without leading zeros.

    >>> from lingon.decoding.automaton import compiled
    >>> numbers = compiled(integers(-3, 120))
    >>> [n for n in range(-20, 200) if numbers.accepts(str(n))] == list(range(-3, 121))
    True
    """
    parts: list[Pattern] = []
    if low < 0:
        parts.append(Concatenation((literal("-"), _positive(max(1, -high), -low))))
    if high >= 0:
        parts.append(_positive(max(0, low), high))
    return Alternation(tuple(parts))


def multiples(of: int, low: int, high: int) -> Pattern | None:
    """Return the grammar of multiples from low to high, of a power of ten or, if few, of any number; else None.

    >>> from lingon.decoding.automaton import compiled
    >>> numbers = compiled(multiples(100, -300, 10**9))
    >>> [n for n in range(-1000, 1000) if numbers.accepts(str(n))] == list(range(-300, 1000, 100))
    True
    """
    least, most = -(-low // of), high // of
    if set(str(of)) <= {"1", "0"} and str(of).count("1") == 1:
        zero = [literal("0")] if least <= 0 <= most else []
        parts = [(least, min(most, -1)), (max(least, 1), most)]
        found = [Concatenation((integers(a, b), literal(str(of)[1:]))) for a, b in parts if a <= b]
        return Alternation((*zero, *found))
    return (
        Alternation(tuple(literal(str(n * of)) for n in range(least, most + 1)))
        if most - least < MAX_ALTERNATIVES
        else None
    )


MAX_ALTERNATIVES = 2_000  # maximum number of multiples that are enumerated


def decimals(low: int, high: int, places: int) -> Pattern:
    """Return the grammar of decimals from low to high, in units of 10 ** -places, with at most `places` decimals.

    >>> from lingon.decoding.automaton import compiled
    >>> numbers = compiled(decimals(-5, 125, 2))
    >>> [text for text in ["-0.06", "-0.05", "0", "0.0", "1", "1.2", "1.25", "1.250", "1.26"] if numbers.accepts(text)]
    ['-0.05', '0', '0.0', '1', '1.2', '1.25']
    """
    if not places:
        return integers(low, high)
    parts: list[Pattern] = []
    if low < 0:
        parts.append(Concatenation((literal("-"), _positive_decimals(max(1, -high), -low, places))))
    if high >= 0:
        parts.append(_positive_decimals(max(0, low), high, places))
    return Alternation(tuple(parts))


def _positive_decimals(low: int, high: int, places: int) -> Pattern:
    (first, start), (last, end) = divmod(low, 10**places), divmod(high, 10**places)
    zeros, nines = "0" * places, "9" * places
    fraction = lambda a, b: _pointed(a.zfill(places), b.zfill(places))
    if first == last:
        return Concatenation((literal(str(first)), fraction(str(start), str(end))))
    parts = [Concatenation((literal(str(first)), fraction(str(start), nines)))]
    if last - first > 1:
        parts.append(Concatenation((_positive(first + 1, last - 1), fraction(zeros, nines))))
    return Alternation((*parts, Concatenation((literal(str(last)), fraction(zeros, str(end))))))


def _pointed(low: str, high: str) -> Pattern:
    """Return the grammar of fractions from .low to .high, or of no fraction if that is within the range."""
    some = Concatenation((literal("."), _digits(low, high, may_end=False)))
    return some if low.strip("0") else Alternation((NOTHING, some))


def _digits(low: str, high: str, may_end: bool = True) -> Pattern:
    """Return the grammar of the digits after the point of .low to .high; with `may_end`, there may be none."""
    if not low:
        return NOTHING
    parts: list[Pattern] = [NOTHING] if may_end and not low.strip("0") else []
    size = len(low)
    if not low.strip("0") and not high.strip("9"):
        return Repetition(DIGIT, 0 if may_end else 1, size)
    if low[0] == high[0]:
        return Alternation((*parts, Concatenation((literal(low[0]), _digits(low[1:], high[1:])))))
    parts.append(Concatenation((literal(low[0]), _digits(low[1:], "9" * (size - 1)))))
    if ord(high[0]) - ord(low[0]) > 1:
        middle = CharacterClass(((ord(low[0]) + 1, ord(high[0]) - 1),))
        parts.append(Concatenation((middle, Repetition(DIGIT, 0, size - 1))))
    return Alternation((*parts, Concatenation((literal(high[0]), _digits("0" * (size - 1), high[1:])))))


def _positive(low: int, high: int) -> Pattern:
    """Return the grammar of integers from low to high, 0 or more, as alternatives by their number of digits."""
    parts = []
    for digits in range(len(str(low)), len(str(high)) + 1):
        first = max(low, 0 if digits == 1 else 10 ** (digits - 1))
        parts.append(_between(str(first), str(min(high, 10**digits - 1))))
    return Alternation(tuple(parts))


def _between(low: str, high: str) -> Pattern:
    """Return the grammar of numbers from low to high, which have equally many digits, digit by digit."""
    if len(low) == 1:
        return CharacterClass(((ord(low), ord(high)),))
    if low.strip("0") == high.strip("9") == "":
        return Repetition(DIGIT, len(low), len(low))
    if low[0] == high[0]:
        return Concatenation((literal(low[0]), _between(low[1:], high[1:])))
    rest = len(low) - 1
    parts = [Concatenation((literal(low[0]), _between(low[1:], "9" * rest)))]
    if ord(high[0]) - ord(low[0]) > 1:
        middle = CharacterClass(((ord(low[0]) + 1, ord(high[0]) - 1),))
        parts.append(Concatenation((middle, Repetition(DIGIT, rest, rest))))
    parts.append(Concatenation((literal(high[0]), _between("0" * rest, high[1:]))))
    return Alternation(tuple(parts))
