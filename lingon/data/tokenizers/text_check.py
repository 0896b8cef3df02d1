"""What a text is: a str that can be written in an encoding; anything else is refused by what it is."""

from lingon.core.errors import UserError


def abbreviate(value: object) -> str:
    """Return a value as an error message can show it, cut to a few words."""
    text = str(value) if isinstance(value, BaseException) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def not_text(value: object) -> UserError:
    """Return the error for a value in place of a text."""
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
