"""The log is one list of dated entries, newest first, and each says what was kept and what was dropped."""

import re
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

LOG = Path(__file__).parents[2] / "docs" / "log.md"
HEADING = re.compile(r"^## (\d{4}-\d{2}-\d{2}): \S.*$", re.MULTILINE)
MARK = re.compile(r"\*\*(Kept|Dropped)\*\*")


def faults(text: str) -> list[str]:
    """What is wrong with the form of a log."""
    headings = re.findall(r"^## .*$", text, re.MULTILINE)
    days = [date.fromisoformat(day) for day in HEADING.findall(text)]  # raises ValueError for a day that is none
    entries = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    wrong = [line for line in headings if not HEADING.fullmatch(line)]
    wrong += [f"{new} stands below {old}" for old, new in pairwise(days) if new > old]
    wrong += [f"twice: {line}" for line in set(headings) if headings.count(line) > 1]
    wrong += [f"no mark: {entry.splitlines()[0]}" for entry in entries if not MARK.search(entry)]
    return wrong


def test_the_log_is_dated_in_order_and_marked():
    text = LOG.read_text(encoding="utf-8")
    assert len(HEADING.findall(text)) > 40
    assert faults(text) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("## An idea\n\n**Kept**: it.\n", "## An idea"),
        ("## 2026-11-23: A\n**Kept**\n## 2026-11-24: B\n**Kept**\n", "2026-11-24 stands below 2026-11-23"),
        ("## 2026-11-23: A\nIt was kept.\n", "no mark: 2026-11-23: A"),
        ("## 2026-11-23: A\n**Kept**\n## 2026-11-23: A\n**Dropped**\n", "twice: ## 2026-11-23: A"),
    ],
)
def test_a_fault_of_form_is_found(text, fault):
    assert faults(text) == [fault]
