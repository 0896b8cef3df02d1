"""Formats numbers for messages: with their noun in the singular or plural, and huge ones with an exponent."""

HUGE = 1e9  # from here on a number is written with an exponent


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with its noun for a message. many: the plural, if it is not the regular one of `one`.

    >>> counted(1, "file"), counted(2000, "file"), counted(1, "text is", "texts are")
    ('1 file', '2,000 files', '1 text is')
    """
    return f"{count:,} {one if count == 1 else many or plural(one)}"


def plural(noun: str) -> str:
    """Return the regular plural of an English noun.

    >>> plural("frog"), plural("butterfly"), plural("mailbox")
    ('frogs', 'butterflies', 'mailboxes')
    """
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def decimal(value: float, digits: str = ".4f") -> str:
    """Return a number in a format; a huge one, as after a diverged training, with an exponent.

    >>> decimal(0.5), decimal(1.5e30)
    ('0.5000', '1.5e+30')
    """
    return f"{value:{digits}}" if abs(value) < HUGE else f"{value:.4g}"
