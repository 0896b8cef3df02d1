"""Exported folders of images for tests: tasks with random weights, pictures of odd sizes, and the programs run."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from examples.portable import build
from lingon.data.files.images import save_image
from lingon.export.javascript_programs import JAVASCRIPT

SIZES = {"wide.png": (37, 101), "tall.png": (149, 43), "frame.png": (48, 64), "tiny.png": (3, 2)}


def pictures(folder: Path) -> list[Path]:
    """Smooth pictures with noise, of several sizes, one with an alpha channel."""
    draw = np.random.default_rng(5)
    for name, (height, width) in SIZES.items():
        waves = np.sin(np.arange(height)[:, None, None] / 7 + np.arange(width)[:, None] / 5 + np.arange(3))
        noise = draw.integers(-40, 40, (height, width, 3))
        save_image(folder / name, (128 + 80 * waves + noise).clip(0, 255).astype(np.uint8))
    save_image(folder / "alpha.png", draw.integers(0, 256, (53, 71, 4)).astype(np.uint8))
    return [folder / name for name in (*SIZES, "alpha.png")]


def strong(model: torch.nn.Module) -> torch.nn.Module:
    """The model with larger weights, so that what it says differs from image to image."""
    torch.manual_seed(2)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return model.eval()


def in_python(folder: Path, *arguments: object) -> str:
    """What the Python program in the README of a folder prints, run there."""
    code = (folder / "README.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    assert "lingon" not in code
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def in_node(folder: Path, name: str, *arguments: object) -> subprocess.CompletedProcess:
    """What a program for Node.js in a folder prints; the packages lie beside the folder."""
    packages = folder.parent / "node_modules"
    if not packages.exists():
        packages.symlink_to(build.javascript() / "node_modules")
    command = ["node", str(folder / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8")


def in_module(code: str, given: Any) -> Any:
    """What JavaScript prints as JSON that imports modules of the folder of Lingon; `given` is there under this name."""
    start = f'import {{ readFileSync }} from "node:fs"; const given = JSON.parse(readFileSync(0, "utf8"));\n{code}'
    command = ["node", "--input-type=module", "--eval", start]
    done = subprocess.run(
        command, cwd=JAVASCRIPT, input=json.dumps(given), capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def rows(printed: str) -> list[dict[str, Any]]:
    """The lines of JSON that a program prints."""
    return [json.loads(line) for line in printed.splitlines()]
