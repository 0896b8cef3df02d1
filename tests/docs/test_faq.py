"""Every message that docs/faq.md answers is one that Lingon prints."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEADINGS = re.findall(r"^## `(.+)`$", (ROOT / "docs" / "faq.md").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def printed() -> str:
    """All texts in the code of Lingon, with a gap where a value is filled in."""
    texts = []
    for path in (ROOT / "lingon").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                texts.append(
                    "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(texts)


def test_there_are_about_ten_questions():
    assert len(set(HEADINGS)) == len(HEADINGS) >= 10


@pytest.mark.parametrize("message", HEADINGS)
def test_the_message_is_one_that_is_printed(message, printed):
    assert message in printed
