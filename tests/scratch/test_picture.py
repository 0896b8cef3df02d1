"""Pictures of graphs: every step is there, with the numbers and gradients that it has."""

import xml.etree.ElementTree as ET

import pytest

import lingon.scratch as scratch

SVG = "{http://www.w3.org/2000/svg}"


def texts(picture):
    return [element.text for element in ET.fromstring(picture).iter(f"{SVG}text")]


def test_a_picture_shows_numbers_and_gradients_of_every_step():
    a, b = scratch.tensor(2.0, requires_grad=True), scratch.tensor(3.0, requires_grad=True)
    y = (a * b + 1) ** 2
    found = texts(scratch.draw(y, {"a": a, "b": b, "y": y}))
    assert {"a", "b", "*", "+", "y = **"} <= set(found)
    assert {"2", "3", "6", "7", "49", "1"} <= set(found)
    # dy/dy 1, dy/d(ab + 1) = dy/d(ab) = 2 * 7 = 14, dy/da = 14 * 3, dy/db = 14 * 2
    assert sorted(t for t in found if t.startswith("grad")) == ["grad 1", "grad 14", "grad 14", "grad 28", "grad 42"]
    assert a.grad is None


def test_the_same_picture_before_and_after_the_way_back():
    x = scratch.tensor([1.0, 2.0], requires_grad=True)
    y = (x.sin() * x).sum()
    before = scratch.draw(y)
    y.backward()
    assert scratch.draw(y) == before
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.backward()


def test_an_array_that_is_used_twice_is_one_box():
    x = scratch.tensor(3.0, requires_grad=True)
    picture = ET.fromstring(scratch.draw(x * x + x, {"x": x}))
    assert len(list(picture.iter(f"{SVG}rect"))) == 3


def test_large_arrays_are_shapes_and_many_results_have_no_gradient():
    x = scratch.ones(3, 5, requires_grad=True)
    found = texts(scratch.draw(x @ scratch.ones(5, 7)))
    assert found.count("[3, 5]") == 1
    assert not any(text.startswith("grad") for text in found)


def test_numbers_that_changed_since_have_no_gradients():
    x = scratch.ones(1, requires_grad=True)
    a = x * 1
    y = a * a
    with scratch.no_grad():
        a += 1
    assert not any(text.startswith("grad") for text in texts(scratch.draw(y)))


def test_a_single_array_and_a_hostile_name():
    x = scratch.ones(2)
    picture = scratch.draw(x, {"<script>": x}, title="</svg>")
    assert texts(picture) == ["</svg>", "<script>", "[1, 1]"]
    assert picture._repr_svg_() == str(picture)


def test_a_graph_of_torch_shows_its_steps_and_its_leaves():
    torch = pytest.importorskip("torch")
    a, b = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    y = (a * b + 1) ** 2
    y.backward()
    found = texts(scratch.draw(y, {"a": a, "b": b}))
    assert sorted(found) == sorted(["a", "2", "grad 42", "b", "3", "grad 28", "*", "+", "**"])
    with pytest.raises(TypeError, match="requires_grad, not Tensor"):
        scratch.draw(torch.ones(3))
