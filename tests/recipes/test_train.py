"""Training from Python is the command line's recipe, with its settings by name."""

import pytest

import lingon
from lingon.core.errors import UserError
from lingon.core.files import read_json

ROWS = [("good film", "up"), ("bad film", "down"), ("fine and good", "up"), ("dull and bad", "down")]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "mine.csv"
    lines = [f"{text} {i},{label}\n" for i in range(40) for text, label in ROWS]
    path.write_text("text,label\n" + "".join(lines))
    return str(path)


def test_a_trained_classifier_comes_back_loaded(table, tmp_path):
    settings = {"width": 7, "lr": 1}
    out = str(tmp_path / "run")
    found = lingon.train("classify", table, model="bag", epochs=3, seed=5, out=out, settings=settings)
    assert set(found.labels) == {"up", "down"}
    assert found.model.config()["width"] == 7
    written = read_json(tmp_path / "run" / "run.json")["arguments"]
    assert {name: written[name] for name in ("model", "epochs", "seed", "lr", "data")} == {
        "model": "bag",
        "epochs": 3,
        "seed": 5,
        "lr": 1,
        "data": table,
    }
    assert found.predict(["good film"]) == lingon.load(out).predict(["good film"])


WRONG = {
    "a task": (("classifyy", "x"), {}, "unknown task to train 'classifyy'; did you mean 'classify'"),
    "a setting": (("classify", "x"), {"settings": {"widtt": 3}}, "unknown setting 'widtt'; did you mean 'width'"),
    "no data": (("classify",), {}, r"train\('classify'\) needs data"),
    "a type": (("classify", "x"), {"epochs": "3"}, "epochs is '3', expected float"),
    "a truth value": (("classify", "x"), {"settings": {"width": True}}, "width is 'True', expected int"),
    "twice": (("classify", "x"), {"settings": {"model": "bag"}}, "settings has 'model', which is an argument of train"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_is_refused(name):
    given, named, message = WRONG[name]
    with pytest.raises(UserError, match=message):
        lingon.train(*given, **named)


def test_a_language_model_takes_one_text_or_several(tmp_path):
    text = tmp_path / "a.txt"
    text.write_text("the dog saw the cat and the cat saw the dog again .\n" * 200)
    settings = {"steps": 2, "width": 8, "depth": 1, "context_length": 8, "tokenizer": "characters", "set": ["heads=2"]}
    found = lingon.train("language-model", text, out=tmp_path / "run", settings=settings)
    assert found.name == "language-model"
    assert read_json(tmp_path / "run" / "run.json")["arguments"]["data"] == [str(text)]
