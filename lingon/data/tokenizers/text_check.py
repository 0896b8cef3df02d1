"""Checks that a text is a str that can be encoded; anything else is refused with its type."""

from lingon.core.errors import UserError


def abbreviate(value: object) -> str:
    """Return a value for an error message, cut to 80 characters."""
    text = str(value) if isinstance(value, BaseException) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def not_text(value: object) -> UserError:
    """Return the error for a value that is not a text."""
    return UserError(f"a text is a str, not a {type(value).__name__}: {abbreviate(value)}")


def check_text(text: object) -> None:
    """Raise UserError for anything but a str, and for half a surrogate pair."""
    if not isinstance(text, str):
        raise not_text(text)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        found = f"U+{ord(text[error.start]):04X}"
        raise UserError(
            f"character {error.start} of a text is {found}, half of a surrogate pair, which no encoding can write; "
            "read the text with the right encoding, or drop such characters"
        ) from None
