"""Reading of sizes from an untrusted config.json: each value is validated, and errors name its key."""

import copy
import math
from collections.abc import Iterable, Mapping
from typing import Any, overload

from lingon.core.errors import UserError, suggest

LARGE = 1 << 24


class ConfigReader:
    """Reads values of a configuration by key, for a model of the family `family`. null counts as missing."""

    def __init__(self, config: Mapping[str, Any], family: str):
        self.config, self.family = config, family

    def integer(self, key: str, default: int | None = None, least: int = 1, most: int = LARGE) -> int:
        """Return an integer from `least` to `most`; the default if missing. Raises UserError without a default."""
        value = self.config.get(key)
        value = default if value is None else value
        if value is None:
            raise UserError(f"{self.family}: key {key!r} is missing")
        if type(value) is not int or not least <= value <= most:
            raise self.error(key, value, f"a whole number from {least} to {most:,}")
        return value

    def divisor(self, key: str, default: int, of: str, value: int) -> int:
        """Return an integer that divides `value`, the value of the key `of`."""
        found = self.integer(key, default)
        if value % found:
            raise self.error(key, found, f"a divisor of {of}, which is {value}")
        return found

    @overload
    def number(self, key: str, default: float, least: float = 0.0, most: float = 1e12) -> float: ...

    @overload
    def number(self, key: str, default: None = None, least: float = 0.0, most: float = 1e12) -> float | None: ...

    def number(self, key: str, default: float | None = None, least: float = 0.0, most: float = 1e12) -> float | None:
        """Return a finite number above `least` and at most `most`; the default if missing."""
        value = self.config.get(key)
        if value is None:
            return default
        if type(value) not in (int, float) or not math.isfinite(value) or not least < value <= most:
            raise self.error(key, value, f"a number over {least:g}, at most {most:g}")
        return float(value)

    def flag(self, key: str, default: bool = False) -> bool:
        """Return a boolean; the default if missing."""
        value = self.config.get(key)
        if value is None:
            return default
        if type(value) is not bool:
            raise self.error(key, value, "true or false")
        return value

    def fraction(self, key: str, default: float) -> float:
        """Return a fraction in [0, 1); the default if missing."""
        value = self.config.get(key)
        value = default if value is None else value
        if type(value) not in (int, float) or not 0 <= value < 1:
            raise self.error(key, value, "a fraction from 0 up to, not including, 1")
        return float(value)

    def enabled(self, key: str) -> bool:
        """Return False for a key that is explicitly null, which switches its default off; else True."""
        return key not in self.config or self.config[key] is not None

    def choice(self, key: str, default: str, known: Iterable[str]) -> str:
        """Return one of the known words; the default if missing."""
        value, known = self.config.get(key), list(known)
        value = default if value is None else value
        if not isinstance(value, str) or value not in known:
            near = suggest(str(value)[:80], known)
            raise UserError(f"{self.family}: key {key!r} is {repr(value)[:40]}, which Lingon does not support; {near}")
        return value

    def section(self, key: str) -> "ConfigReader | None":
        """Return a reader of a nested object; None if missing."""
        value = self.config.get(key)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self.error(key, value, "an object")
        return ConfigReader(value, f"{self.family}: {key}")

    def choices(self, key: str, count: int, known: Iterable[str]) -> list[str] | None:
        """Return a list of `count` of the known words; None if missing."""
        value, known = self.config.get(key), list(known)
        if value is None:
            return None
        if (
            not isinstance(value, list)
            or len(value) != count
            or not all(isinstance(w, str) and w in known for w in value)
        ):
            raise self.error(key, value, f"a list of {count}, each of {' or '.join(known)}")
        return value

    def refuse(self, *keys: str) -> None:
        """Raise UserError for keys that change the computation in a way that Lingon does not support."""
        for key in keys:
            if self.config.get(key):
                raise UserError(
                    f"{self.family}: key {key!r} is {repr(self.config[key])[:40]}, which Lingon does not support; "
                    "use a checkpoint without it"
                )

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration for the model's `config`: without keys about code or the origin of the file."""
        gone = ("auto_map", "_name_or_path", "transformers_version", "architectures", "torch_dtype", "dtype")
        return {key: copy.deepcopy(value) for key, value in self.config.items() if key not in gone}

    def error(self, key: str, value: Any, expected: str) -> UserError:
        return UserError(f"{self.family}: key {key!r} is {repr(value)[:40]}, expected {expected}")
