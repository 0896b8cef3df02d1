"""--data and --file are one flag of predict and embed: a file of the user's, never a corpus."""

from pathlib import Path

import pytest
from typer.main import get_command

from lingon.cli.app import app
from lingon.cli.predict_images import refuse_images
from lingon.cli.prediction_files import TextsFile
from lingon.core.errors import UserError
from lingon.data.files.lines import FileOptions


@pytest.mark.parametrize("command", ["predict", "embed"])
def test_both_names_are_the_same_flag(command):
    options = {name: parameter for parameter in get_command(app).commands[command].params for name in parameter.opts}
    assert options["--data"] is options["--file"]


def test_a_corpus_is_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UserError, match="there is no file 'imdb'; it names a corpus, which lingon evaluate --data takes"
    ):
        TextsFile.of(Path("imdb"), None, "stop", FileOptions())
    with pytest.raises(UserError, match=r"there is no file 'other\.csv'$"):
        TextsFile.of(Path("other.csv"), None, "stop", FileOptions())


def test_an_image_is_no_text(tmp_path):
    image = tmp_path / "photo.png"
    refuse_images("bundle", ["photo.png", "x" * 5_000 + ".png", "\0.png", str(tmp_path)])  # none is a file
    image.write_bytes(b"")
    with pytest.raises(UserError, match=r"photo\.png' is an image, and 'bundle' reads texts; give a text"):
        refuse_images("bundle", ["a text", str(image)])
