"""Charts are well-formed, hold every point, and cannot be made to hold markup."""

import doctest
import re
import xml.etree.ElementTree as ElementTree

import pytest

from lingon.pages import charts
from lingon.pages.curves import curves

SVG = "{http://www.w3.org/2000/svg}"


def test_examples_in_docstrings():
    assert doctest.testmod(charts).failed == 0


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 7), (5, 5), (0, 0), (-3, -3), (0.0011, 0.0013), (1e9, 3e9)])
def test_ticks_cover_the_range(low, high):
    found = charts.ticks(low, high)
    assert found[0] <= low
    assert found[-1] >= high
    assert 2 <= len(found) <= 12


def test_a_line_has_every_finite_point_and_escapes_names():
    points = [(0, 1.0), (1, float("nan")), (2, 3.0), (3, float("inf")), (5, -7.0)]
    tree = ElementTree.fromstring(charts.line_chart({"<b>&": points}, "loss & <more>", "epochs", "loss"))
    (line,) = tree.iter(SVG + "polyline")
    assert len(line.get("points").split()) == 3
    assert "loss & <more>" in [t.text for t in tree.iter(SVG + "text")]


def test_bars_are_as_high_as_their_numbers():
    tree = ElementTree.fromstring(charts.bar_chart([("a", 1.0), ("b", 3.0), ("c", 0.0)], "t", "x", "y"))
    heights = [float(r.get("height")) for r in tree.iter(SVG + "rect")]
    assert heights[1] == pytest.approx(3 * heights[0], rel=0.01)
    assert heights[2] == 0


def test_nothing_recorded_is_said():
    assert "nothing was recorded" in charts.line_chart({"run": []}, "loss", "x", "y")


def test_an_axis_ends_where_a_score_does():
    tree = ElementTree.fromstring(charts.line_chart({"a": [(1, 1.0), (2, 1.0)]}, "t", "x", "accuracy", (0.0, 1.0)))
    numbers = [float(t.text) for t in tree.iter(SVG + "text") if t.get("text-anchor") == "end"]
    assert max(numbers) == 1
    assert len(numbers) > 1


def words_of(svg):
    return [t.text for t in ElementTree.fromstring(svg).iter(SVG + "text")]


def test_curves_are_called_as_people_call_them():
    rows = [{"epoch": 10, "loss": 2.0, "valid_uas": 1.0, "lr": 0.01}]
    assert [words_of(chart)[0] for chart in curves({"run": rows})] == [
        "training loss",
        "validation UAS",
        "learning rate",
    ]


def test_a_solver_has_no_learning_rate():
    with_rate, without = [{"epoch": 1, "lr": 0.1}], [{"epoch": 1, "lr": 0.0}]
    (chart,) = curves({"adam": with_rate, "solver": without})
    assert "solver" not in chart
    assert curves({"solver": without}) == []


def test_one_evaluation_is_seen_from_zero():
    (chart,) = curves({"run": [{"epoch": 10, "valid_bleu": 17.5}]})
    numbers = [float(word) for word in words_of(chart) if word and word[0].isdigit()]
    assert (min(numbers), max(numbers)) == (0, 18)


def test_the_legend_stands_below_the_lines():
    tree = ElementTree.fromstring(charts.line_chart({"a": [(0, 0), (1, 1)], "b": [(0, 1), (1, 0)]}, "t", "x", "y"))
    lowest = max(
        float(pair.split(",")[1]) for line in tree.iter(SVG + "polyline") for pair in line.get("points").split()
    )
    assert all(float(mark.get("y")) > lowest for mark in tree.iter(SVG + "rect"))
    assert float(tree.get("viewBox").split()[3]) > charts.HEIGHT


def test_a_solver_without_a_learning_rate_has_no_curve_of_it():
    row = {"epoch": 1.0, "loss": 0.5, "lr": 0.0}
    assert len(curves({"run": [row]})) == 1
    (_, rate) = curves({"run": [row], "other": [row | {"lr": 0.1}]})
    assert ">learning rate<" in rate


def test_letters_are_as_large_as_they_say():
    """A chart is shown some 22rem wide at least: what it says in pixels is then what a reader sees."""
    tree = ElementTree.fromstring(charts.bar_chart([("a", 1.0)], "t", "x", "y"))
    width = float(tree.get("viewBox").split()[2])
    (style,) = tree.iter(SVG + "style")
    sizes = [int(size) for size in re.findall(r"(\d+)px", style.text)]
    assert min(sizes) * 22 * 16 / width > 10
