"""Programs as files: a JSON file, and a safetensors file beside it if there are arrays among the constants."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lingon.core.errors import DataError, UserError
from lingon.core.files import atomic_write, read_json, sha256_of, write_json
from lingon.program.compiled import Program
from lingon.program.node_reader import NodeReader
from lingon.program.passes import optimised
from lingon.program.plan import PlanOptions
from lingon.program.topological_order import topological_order

FORMAT, VERSION = "lingon.program", 1


def save(program: Program, path: Path) -> None:
    """Write `path`, which ends in .json, and its constants as .safetensors of the same name."""
    path = _named(path)
    arrays: dict[str, np.ndarray] = {}
    roots = list(program.outputs.values())
    record: dict[str, Any] = {"format": FORMAT, "version": VERSION, "form": program.form}
    nodes, places = _written(topological_order(roots), arrays)
    record |= {"outputs": {name: places[id(root)] for name, root in program.outputs.items()}, "constants": None}
    if arrays:
        from safetensors.numpy import save as as_bytes

        beside = path.with_suffix(".safetensors")
        with atomic_write(beside, "wb") as file:
            file.write(as_bytes(arrays))
        record["constants"] = {"file": beside.name, "sha256": sha256_of(beside)}
    write_json(path, record | {"nodes": nodes})


def load(path: str | Path) -> Program:
    """Return the program of a file. Nothing in the file is executed, and sizes are checked before memory is allocated.

    Raises DataError that names the file, the node and the problem: a truncated file, a newer version, an unknown
    operator, a cycle, an excessive size, a wrong type, constants that are missing or of another program.
    """
    path = _named(Path(path))
    record = read_json(path)
    try:
        return _read(record, path)
    except DataError:
        raise
    except (UserError, OverflowError, RecursionError) as error:
        raise DataError(f"{path}: {error or 'nested too deeply'}") from None


def _named(path: Path) -> Path:
    if path.suffix != ".json":
        raise UserError(f"a program is saved as a .json file, and {path.name!r} is none; say {path.name}.json")
    return path


def _read(record: Any, path: Path) -> Program:
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise DataError(f'{path}: not a program (it has no "format": "{FORMAT}")')
    if type(record.get("version")) is not int or record["version"] < 1:
        raise DataError(f"{path}: version is {str(record.get('version'))[:40]!r}, it must be a whole number from 1 on")
    if record["version"] > VERSION:
        raise DataError(
            f"{path}: version {record['version']} is newer than {VERSION}, which is read here; update lingon"
        )
    expected = {"format", "version", "form", "outputs", "constants", "nodes"}
    if odd := set(record) ^ expected:
        name = sorted(odd)[0]
        raise DataError(f"{path}: key {name[:80]!r} is {'unknown' if name in record else 'missing'}")
    reader = NodeReader(path, record["constants"])
    nodes = reader.nodes(record["nodes"])
    outputs, form = record["outputs"], record["form"]
    if form not in ("one", "tuple", "dict"):
        raise DataError(f"{path}: form is {str(form)[:40]!r}, it must be one, tuple or dict")
    if not isinstance(outputs, dict) or not outputs or (form == "one" and len(outputs) > 1):
        raise DataError(f"{path}: outputs must name at least one node, and a single one where the form is 'one'")
    for name, place in outputs.items():
        if not name.isidentifier() or type(place) is not int or not 0 <= place < len(nodes):
            raise DataError(f"{path}: output {name[:80]!r} is {str(place)[:40]}; there are {len(nodes)} nodes")
        if nodes[place].op in ("scan", "gradient"):
            raise DataError(
                f"{path}: output {name[:80]!r} is a {nodes[place].op}, which has several results; pick an item"
            )
    return Program({name: nodes[place] for name, place in outputs.items()}, form, PlanOptions(optimised))


def _written(nodes: list, arrays: dict[str, np.ndarray]) -> tuple[list[dict[str, Any]], dict[int, int]]:
    """Return nodes as JSON, and the position of each; arrays are added to `arrays` by name."""
    places = {id(node): place for place, node in enumerate(nodes)}
    return [_node(node, places, arrays) for node in nodes], places


def _node(node: Any, places: Mapping[int, int], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    if node.op == "variable":
        shape, dtype = node.attributes["shape"], node.attributes["dtype"]
        kind = {"shape": None if shape is None else list(shape), "dtype": None if dtype is None else dtype.name}
        return {"op": "variable", "name": node.attributes["name"], **kind}
    if node.op == "constant":
        return {"op": "constant", **_constant(node.value, arrays)}
    attributes = {name: _plain(value) for name, value in node.attributes.items() if name != "body"}
    said = {"op": node.op, "inputs": [places[id(i)] for i in node.inputs], **attributes}
    if node.op == "scan":
        body = node.attributes["body"]
        nodes = list({id(n): n for n in [*body.parameters, *body.nodes()]}.values())
        inner, inside = _written(nodes, arrays)
        parts = {name: [inside[id(x)] for x in getattr(body, name)] for name in ("parameters", "results")}
        said["body"] = {"nodes": inner, **parts}
    return said


def _constant(value: Any, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    if isinstance(value, np.ndarray):
        name = f"c{len(arrays)}"
        arrays[name] = np.ascontiguousarray(value)
        return {"array": name}
    return {"number": value if value == value and abs(value) != float("inf") else str(value)}  # JSON has no nan or inf


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, tuple) else value
