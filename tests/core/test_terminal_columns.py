"""Columns of a table stand under each other on a terminal, whatever the script of its labels."""

import doctest

import pytest
from rich.cells import cell_len

from lingon.core import terminal_columns
from lingon.core.terminal_columns import columns_of, padded
from lingon.metrics.class_table import class_lines

TEXTS = ["film", "电影", "😐", "جيد", "naïve", "a long label that is cut", "很长的标签会被截断的标签", "x\x1b[31m"]


def test_examples_in_docstrings():
    assert doctest.testmod(terminal_columns).failed == 0


@pytest.mark.parametrize("text", TEXTS)
def test_a_cell_is_as_wide_as_its_column(text):
    assert cell_len(padded(text, 9, most=9)) == 9
    assert cell_len(padded(text, 40)) == 40
    assert columns_of(text, most=9) <= 9


def test_a_table_of_labels_is_aligned():
    score = {"precision": 1.0, "recall": 0.5, "f1": 2 / 3, "support": 7, "predicted": 7}
    lines = class_lines(dict.fromkeys(TEXTS, score))
    assert len({cell_len(line) for line in lines}) == 1
