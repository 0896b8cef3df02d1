"""The wheel holds only lingon, and works outside the repository."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import write_reviews

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    # The build tools are those of the environment, so that no network is needed.
    words = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT]
    subprocess.run(words, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_the_wheel_holds_only_lingon_and_its_pages_and_lessons(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"lingon"}
    for wanted in ("lingon/pages/templates/report.html", "lingon/course/07_text_cnn.py", "lingon/py.typed"):
        assert wanted in names


def test_a_run_works_from_the_wheel_outside_the_repository(wheel, tmp_path):
    place = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    write_reviews(tmp_path / "mine.csv", 60)
    code = "import sys; sys.path.insert(0, 'site'); import lingon; assert 'site' in lingon.__file__\n"
    code += "from lingon.cli.app import main; main(sys.argv[1:])"
    words = ["train", "classify", "--data", "mine.csv", "--epochs", "1"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/classify/report.html").is_file()
