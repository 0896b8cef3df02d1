"""Messages name the culprit and the way out."""

import doctest

import pytest

import lingon.core.errors
import lingon.core.seed
from lingon.core.device import pick_device
from lingon.core.errors import UserError, unknown


@pytest.mark.parametrize("module", [lingon.core.errors, lingon.core.seed])
def test_examples_in_docstrings(module):
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


def test_many_names_are_cut():
    assert "(7 more)" in str(unknown("corpus", "zzz", [f"name{i}" for i in range(19)]))


@pytest.mark.parametrize("name", ["cudaa", "tpu", ""])
def test_unknown_devices_are_refused(name):
    with pytest.raises(UserError, match=f"unknown device '{name}'"):
        pick_device(name)
