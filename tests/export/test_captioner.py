"""A captioner as ONNX graphs: any number of images, captions of any length, and the program of its README."""

import json
import subprocess
import sys

import pytest

from lingon.checkpoints.bundle import save_bundle
from lingon.core.errors import UserError
from lingon.data.files.images import save_image
from lingon.export.portable import export
from lingon.tasks.caption.params import GREEDY
from tests.data.captioned_images import made_captions
from tests.tasks.test_caption import RUN, captioner

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.mark.long
@pytest.mark.parametrize("name", ["caption_transformer", "show_and_tell"])
def test_the_program_of_the_readme_says_what_the_model_says(name, tmp_path):
    task = captioner(name)
    found = export(save_bundle(task, name, tmp_path / "b", RUN), "onnx", out=tmp_path / "onnx")
    assert found.difference < 1e-4
    config = json.loads((tmp_path / "onnx" / "config.json").read_text())
    assert config["image"]["size"] == 16
    assert len(config["memory"]) == (4 if name == "caption_transformer" else 0)
    save_image(tmp_path / "onnx" / "photo.png", made_captions(3).pixels[2])
    code = (tmp_path / "onnx" / "README.md").read_text().split("```python\n")[1].split("```")[0]
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "onnx", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == task.n_best([tmp_path / "onnx" / "photo.png"], GREEDY)[0][0].caption


def test_eight_bits_are_refused(tmp_path):
    folder = save_bundle(captioner(), "caption_transformer", tmp_path / "b", RUN)
    with pytest.raises(UserError, match="--int8 is for classifiers and encoders; a captioner is exported with 32 bits"):
        export(folder, "onnx", int8=True)
