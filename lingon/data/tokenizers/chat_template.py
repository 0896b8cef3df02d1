"""The chat template of a model: formats messages as one text, with special tokens that mark the speakers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jinja2

from lingon.core.errors import DataError
from lingon.data.tokenizers.template_sandbox import compile_template, render_template

__all__ = ["DEFAULT_STOP", "ChatTemplate", "default_template", "template_config", "template_from"]

# For models that have none: plain words, and an answer ends with the model's end token.
DEFAULT = """\
{%- for message in messages -%}
{%- if message.role == 'assistant' -%}
{{ 'Assistant:\\n' }}{% generation %}{{ message.content + eos_token }}{% endgeneration %}{{ '\\n\\n' }}
{%- else -%}
{{ message.role | capitalize + ':\\n' + message.content + '\\n\\n' }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ 'Assistant:\\n' }}{%- endif -%}
"""
DEFAULT_STOP = ("\n\nUser:\n",)  # for a model that was not trained to end its answer
MOST_TOKENS = 64  # maximum number of special tokens


@dataclass(frozen=True)
class ChatTemplate:
    """A Jinja template in the format of Hugging Face, with its special tokens by name: bos_token, eos_token and others.

    It is compiled when it is first used, so that a model whose template is broken can still generate. It is not
    trusted, see `lingon.data.tokenizers.template_sandbox`.
    """

    source: str
    special_tokens: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _compiled(self) -> jinja2.Template:
        return compile_template(self.source)

    @property
    def marks_answers(self) -> bool:
        """Return whether it marks with {% generation %} what the assistant is trained on."""
        return "endgeneration" in self.source

    def render(self, messages: Sequence[Mapping[str, str]], add_generation_prompt: bool = False) -> str:
        """Return the text of messages. add_generation_prompt: it ends where the assistant's answer begins.

        Raises DataError for an invalid template, or one that fails or is stopped; UserError for messages it refuses.
        """
        given = {"messages": [dict(one) for one in messages], "add_generation_prompt": add_generation_prompt}
        variables: dict[str, Any] = {**self.special_tokens, "tools": None, "documents": None, **given}
        return render_template(self._compiled, variables)


def template_config(template: ChatTemplate | None) -> dict[str, Any] | None:
    """Return a template as stored in config.json of a bundle."""
    if template is None:
        return None
    return {"template": template.source, "special_tokens": dict(template.special_tokens)}


def template_from(config: Any) -> ChatTemplate | None:
    """Return the template of a configuration; None for none. Raises DataError for anything that is not a template."""
    if config is None:
        return None
    if not isinstance(config, Mapping) or not isinstance(config.get("template"), str):
        raise DataError(f"key 'chat_template' is {str(config)[:40]!r}, expected an object with its 'template'")
    tokens = config.get("special_tokens", {})
    if not isinstance(tokens, Mapping) or len(tokens) > MOST_TOKENS:
        raise DataError("key 'chat_template' has 'special_tokens' that are not an object with a text for each name")
    for name, token in tokens.items():
        if not isinstance(token, str) or not str(name).isidentifier():
            raise DataError(f"key 'chat_template' has the special token {str(name)[:40]!r}, which is none")
    return ChatTemplate(config["template"], dict(tokens))


def default_template(eos_token: str) -> ChatTemplate:
    """Return the template for a model that has none. eos_token: ends an answer; it may be empty."""
    return ChatTemplate(DEFAULT, {"eos_token": eos_token})
