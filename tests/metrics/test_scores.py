"""Scores know which metric is the main one and which way each is better."""

import json
import math

import pytest

from lingon.core.errors import UserError
from lingon.core.strict_json import dumps
from lingon.metrics.metric_table import HIGHER_IS_BETTER
from lingon.metrics.scores import Scores


def test_the_main_metric_decides_in_its_own_direction():
    good, bad = (Scores({"loss": loss, "accuracy": right}, "accuracy") for loss, right in ((0.9, 0.75), (0.1, 0.5)))
    assert (good.better_than(bad), bad.better_than(good), good.better_than(good)) == (True, False, False)
    less, more = (Scores({"perplexity": value}, "perplexity") for value in (3.0, 5.0))
    assert (less.better_than(more), more.better_than(less)) == (True, False)
    undefined = Scores({"perplexity": math.nan}, "perplexity")
    assert not undefined.better_than(less)
    assert not less.better_than(undefined)


def test_each_metric_knows_its_direction():
    found = Scores({"loss": 0.5, "accuracy": 0.5}, "accuracy")
    assert (found.higher_is_better(), found.higher_is_better("loss")) == (True, False)
    assert all(isinstance(direction, bool) for direction in HIGHER_IS_BETTER.values())
    with pytest.raises(UserError, match="unknown metric 'accuracyy'; did you mean 'accuracy'"):
        Scores({"loss": 1.0, "accuracyy": 0.5}, "loss")
    with pytest.raises(UserError, match="unknown main metric 'los'; did you mean 'loss'"):
        Scores({"loss": 1.0}, "los")


def test_json_has_the_metrics_and_then_the_tables_and_people_read_lines():
    table = {"up": {"recall": 0.25}}
    found = Scores({"macro_f1": 0.5, "auc": math.nan}, "macro_f1", {"per_class": table}, ["up 0.25"])
    assert json.loads(dumps(found.row())) == {"macro_f1": 0.5, "auc": None, "per_class": table}
    assert [line.split() for line in found.lines()] == [["macro", "f1", "0.5000"], ["auc", "undefined"], ["up", "0.25"]]
