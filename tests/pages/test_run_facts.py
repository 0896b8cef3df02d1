"""Settings of a run are written as they are given, in words."""

import doctest

from lingon.pages import run_facts as module
from lingon.pages.run_facts import run_facts


def test_examples_in_docstrings():
    assert doctest.testmod(module).failed == 0


def test_settings_are_called_by_their_flags_and_lists_have_no_brackets():
    run = {"arguments": {"set": ["depth=1", "heads=2"], "from_": "minilm-l6", "steps": None}, "data": {"train": 84}}
    assert run_facts(run) == [("--set", "depth=1, heads=2"), ("--from", "minilm-l6"), ("data train", "84")]
