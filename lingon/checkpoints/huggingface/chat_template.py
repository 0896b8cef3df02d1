"""Reads and writes the chat template of a checkpoint with its special tokens."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from lingon.core.errors import DataError
from lingon.core.files import atomic_write, read_bytes, read_json, write_json
from lingon.data.tokenizers.chat_template import MOST_TOKENS, ChatTemplate
from lingon.data.tokenizers.template_sandbox import LONGEST

CONFIG_LIMIT = 64 << 20  # bytes of a tokenizer_config.json, which may list all added tokens
# Names of special tokens for templates in transformers.
NAMES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
TEMPLATE_FILE = "chat_template.jinja"


def read_chat_template(folder: Path) -> ChatTemplate | None:
    """Read chat_template.jinja, or `chat_template` of tokenizer_config.json; None if there is neither.

    Of several, the one named "default". Raises DataError, naming the file, for anything that is not text.
    """
    source = _source(folder)
    return None if source is None else ChatTemplate(source, special_tokens_of(_special_config(folder)))


def write_chat_template(folder: Path, template: ChatTemplate) -> None:
    """Write chat_template.jinja, and add its special tokens to the existing tokenizer_config.json."""
    with atomic_write(folder / TEMPLATE_FILE) as file:
        file.write(template.source)
    usual = {name: token for name, token in template.special_tokens.items() if name.endswith("_token")}
    config, own = _config(folder) | usual, template.special_tokens.items() - usual.items()
    write_json(folder / "tokenizer_config.json", config | ({"extra_special_tokens": dict(sorted(own))} if own else {}))


def special_tokens_of(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the special tokens of a tokenizer_config.json by name: each a text, or an object with its `content`.

    They are the standard ones, and those of this tokenizer: keys such as `image_token`, and `extra_special_tokens`.
    """
    own = config.get("extra_special_tokens")
    found = {name: config.get(name) for name in NAMES}
    found |= {name: one for name, one in config.items() if name.endswith("_token")}
    found |= own if isinstance(own, Mapping) else {}
    texts = {name: one.get("content") if isinstance(one, Mapping) else one for name, one in found.items()}
    tokens = {name: text for name, text in texts.items() if isinstance(text, str) and text and name.isidentifier()}
    return dict(islice(tokens.items(), MOST_TOKENS))


def _special_config(folder: Path) -> dict[str, Any]:
    """Return tokenizer_config.json, merged with special_tokens_map.json in older folders without added tokens in it."""
    config, path = _config(folder), folder / "special_tokens_map.json"
    if "added_tokens_decoder" in config or not path.is_file():
        return config
    older = read_json(path, limit=CONFIG_LIMIT)
    return config | older if isinstance(older, dict) else config


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "tokenizer_config.json"
    config = read_json(path, limit=CONFIG_LIMIT) if path.is_file() else {}
    return config if isinstance(config, dict) else {}


def _source(folder: Path) -> str | None:
    if (folder / TEMPLATE_FILE).is_file():
        try:
            return read_bytes(folder / TEMPLATE_FILE, 4 * LONGEST).decode()
        except UnicodeDecodeError as error:
            raise DataError(f"{folder / TEMPLATE_FILE}: not UTF-8 text (byte {error.start})") from None
    found = _config(folder).get("chat_template")
    if isinstance(found, list):  # several templates by name
        named = [(one.get("name"), one.get("template")) for one in found if isinstance(one, Mapping)]
        found = next((template for name, template in named if name == "default"), None)
    if found is not None and not isinstance(found, str):
        raise DataError(
            f"{folder / 'tokenizer_config.json'}: key 'chat_template' is {str(found)[:40]!r}, expected text"
        )
    return found
