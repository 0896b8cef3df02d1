"""The changelog keeps its form, also after branches have appended lines to its end."""

import re
from pathlib import Path

import lingon

CHANGELOG = (Path(__file__).parents[1] / "CHANGELOG.md").read_text(encoding="utf-8")
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]


def versions() -> list[tuple[str, str]]:
    """Heading and body of each version, in the order of the file."""
    parts = re.split(r"^## (.+)\n", CHANGELOG, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def test_versions_are_dated_and_the_unreleased_one_comes_first():
    headings = [heading for heading, _ in versions()]
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading) for heading in headings[1:]), headings


def test_each_version_has_lists_of_known_kinds_once_each():
    for heading, body in versions():
        kinds = re.findall(r"^### (.+)$", body, re.MULTILINE)
        assert len(set(kinds)) == len(kinds), heading
        assert set(kinds) <= set(KINDS), heading


def test_every_line_stands_in_a_list_and_an_appended_one_falls_into_the_last():
    for heading, body in versions():
        first, *lists = re.split(r"^### .+\n", body, flags=re.MULTILINE)
        assert "- " not in first, heading
        for part in lists:
            lines = [line for line in part.splitlines() if line]
            assert lines, heading
            assert all(line.startswith(("- ", "  ")) for line in lines), heading
    assert re.findall(r"^### (.+)$", versions()[0][1], re.MULTILINE)[-1] == "Changed"


def test_the_version_of_the_package_is_the_one_that_is_being_made_or_the_newest_released():
    released = [heading for heading, _ in versions()[1:]]
    assert f"The version is {lingon.__version__} " in versions()[0][1] or f"[{lingon.__version__}]" in released[0]
