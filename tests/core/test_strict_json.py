"""JSON that leaves is JSON to every reader: no NaN, no Infinity, no half characters."""

import json
import math

import numpy as np
import pytest
import torch

from lingon.core.files import write_json
from lingon.core.strict_json import dumps


def strict(text: str):
    """Parses JSON as the standard has it: Python's reader takes NaN and Infinity unless it is told not to."""

    def refuse(constant: str):
        raise ValueError(f"{constant} is not JSON")

    text.encode("utf-8")
    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(
    "bad", [math.nan, math.inf, -math.inf, np.float32("nan"), np.float64("inf"), torch.tensor(math.nan)]
)
def test_what_is_not_finite_becomes_null_wherever_it_stands(bad):
    value = {"a": bad, "list": [1, bad, {"deep": (bad, 2.5)}]}
    assert strict(dumps(value)) == {"a": None, "list": [1, None, {"deep": [None, 2.5]}]}


def test_finite_values_are_written_as_python_writes_them():
    value = {"x": 0.1, "n": 3, "t": "ü\n", "b": True, "none": None, "list": [1e300, -0.0]}
    assert dumps(value) == json.dumps(value, ensure_ascii=False)
    assert dumps(value, indent=1, ensure_ascii=True) == json.dumps(value, indent=1)
    assert strict(dumps([np.int64(7), np.float32(0.5), torch.tensor(3)])) == [7, 0.5, 3]


def test_half_a_surrogate_pair_is_escaped():
    assert strict(dumps({"text": "a\udc80"})) == {"text": "a\udc80"}


def test_a_file_of_json_takes_what_is_not_finite(tmp_path):
    write_json(tmp_path / "a.json", {"auc": math.nan})
    assert strict((tmp_path / "a.json").read_text()) == {"auc": None}


def test_what_json_cannot_say_is_refused():
    with pytest.raises(TypeError):
        dumps({"a": object()})
