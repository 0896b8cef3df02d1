"""The heading of a run's page names its task, its model and its data."""

import doctest

import pytest

from lingon.export.training_curves import plot_runs
from lingon.recipes import summary
from lingon.recipes.summary import page_title


def test_examples_in_docstrings():
    assert doctest.testmod(summary).failed == 0


@pytest.mark.parametrize(
    ("data", "said"),
    [("imdb", "imdb"), (list("abcd"), "a, b, c, ..."), (None, "data of its own"), ("x/y.csv", "y.csv")],
)
def test_data_of_any_kind_is_named(data, said):
    assert page_title("t", {"arguments": {"model": "m", "data": data}}) == f"t: m trained on {said}"


def test_a_page_has_the_title_that_it_is_given_or_the_folders_names(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.jsonl").write_text('{"epoch": 1.0, "loss": 0.5}\n')
    for given, heading in (("a <title>", "a &lt;title&gt;"), ("", str(tmp_path / "run"))):
        (page,) = plot_runs([tmp_path / "run"], tmp_path / "c.html", title=given)
        assert f"<h1>{heading}</h1>" in page.read_text(encoding="utf-8")
