"""The result of an export, and where it may be written."""

from dataclasses import dataclass
from pathlib import Path

from lingon.checkpoints.huggingface.source_folder import HUB
from lingon.core.errors import UserError
from lingon.core.files import read_json
from lingon.data.files.gguf import is_gguf


@dataclass(frozen=True)
class Exported:
    """Result of an export. difference: the largest of any output value. size: bytes of the model file.

    With 8-bit weights: agreement with the exact model as defined by the task, and agreement_name, its name in words;
    exact_size, bytes with 32-bit weights; times_as_fast.
    """

    folder: Path  # or the file
    difference: float
    size: int
    output_name: str = "logits"
    agreement: float | None = None
    agreement_name: str | None = None
    exact_size: int | None = None
    times_as_fast: float | None = None


def beside(source: str | Path, end: str) -> Path:
    """Return the path of a bundle with `end` appended to its name; for a hub model, in the working folder."""
    hub = str(source).startswith(HUB)  # hf:owner/name
    bundle = Path(str(source).rpartition("/")[2]) if hub else Path(source)
    bundle = bundle.resolve() if bundle.name in ("", "..") else bundle
    return bundle.with_name(bundle.name + end)


def export_folder(source: str | Path, end: str, out: str | Path | None) -> Path:
    """Return the folder of an export: `out`, or the path of the bundle with `end` appended. See `check_folder`."""
    folder = beside(source, end) if out is None else Path(out)
    check_folder(folder, Path(source))
    return folder


def check_folder(folder: Path, bundle: Path) -> None:
    """Raise UserError for a folder that contains anything but an older export."""
    if folder.is_file():
        raise UserError(f"{str(folder)!r} is a file; --out names a folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    older = folder / "config.json"
    if not older.is_file() or not isinstance(held := read_json(older), dict) or held.get("to") is None:
        raise UserError(f"{str(folder)!r} contains something other than an earlier export; choose another --out")
    assert not bundle.exists() or folder.resolve() != bundle.resolve(), "a bundle has no key 'to'"


def check_file(path: Path, suffix: str) -> None:
    """Raise UserError for a path with another suffix, or one that is not an older export."""
    if path.suffix != suffix:
        raise UserError(f"--out is {str(path)!r}, expected a file that ends in {suffix}")
    if path.exists() and (path.is_dir() or not is_gguf(path)):
        raise UserError(f"{str(path)!r} contains something other than an earlier export; choose another --out")
