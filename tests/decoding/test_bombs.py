"""Small inputs that grow inside are refused by name, within a second of processor time and 100 MB over the start."""

import json
import subprocess
import sys

import pytest

BOMBS = {
    "optional parts": ("pattern", "((a?){1000}){40}"),
    "what came twelve before": ("pattern", ".*x.{12}"),
    "bounds inside bounds": ("pattern", "((a{100}){100}){100}"),
    "bounds inside bounds, of nothing": ("pattern", "(((a?){30}){30}){30}"),
    "words": ("pattern", r"(\w{1000}){3}"),
    "optional words": ("pattern", r"(\w?){1000}"),
    "many places to begin": ("pattern", "(.*a){30}.{30}"),
    "many letters": ("pattern", "a" * 3_000_000),
    "many alternatives": ("pattern", "|".join("a" * (i % 50) + "b" for i in range(20_000))),
    "many digits": ("pattern", "a{%s}" % ("9" * 5000)),
    "many groups": ("pattern", "(" * 100_000),
    "a property": ("pattern", r"\p{L}"),
    "a text of a text": ("schema", {"type": "array", "maxItems": 1000, "items": {"type": "string", "maxLength": 1000}}),
    "a long length": ("schema", {"type": "string", "maxLength": 10**4000}),
    "a long least length": ("schema", {"type": "string", "minLength": 10**9}),
    "many items": ("schema", {"type": "array", "minItems": 10**9}),
    "a bound far away": ("schema", {"type": "integer", "minimum": 10**4000}),
    "a multiple far away": ("schema", {"type": "integer", "minimum": 1, "multipleOf": 10**4000}),
    "a number far away": ("schema", {"type": "number", "minimum": 10**4000}),
    "a multiple of many": ("schema", {"type": "integer", "minimum": 0, "maximum": 10**18, "multipleOf": 7}),
    "many values": ("schema", {"enum": [f"word {i * 7919}" for i in range(20_000)]}),
    "values said often": (
        "schema",
        {"$defs": {"e": {"enum": [str(i) for i in range(9999)]}}, "anyOf": [{"$ref": "#/$defs/e"}] * 1000},
    ),
    "a long schema": ("schema", {"enum": [f"word {i * 7919}" for i in range(200_000)]}),
    "a deep schema": ("schema text", "[" * 100_000),
    "deep items": ("schema text", '{"items":' * 5000 + "{}" + "}" * 5000),
    "deep all of": ("schema text", '{"allOf":[' * 300 + "{}" + "]}" * 300),
    "a bound of many digits": ("schema text", '{"type": "integer", "maximum": 1%s}' % ("0" * 5000)),
    "a pattern of a schema": ("schema", {"type": "string", "pattern": "^((a?){1000}){40}$"}),
    "all of all of": (
        "schema",
        {
            "$defs": {str(i): {"allOf": [{"$ref": f"#/$defs/{i + 1}"}] * 3} for i in range(12)} | {"12": {}},
            "$ref": "#/$defs/0",
        },
    ),
}
FINE = {
    "the largest integer": ("schema", {"type": "integer", "maximum": 10**4000}),
    "a thousand letters": ("schema", {"type": "string", "maxLength": 1000}),
    "twenty properties": (
        "schema",
        {"type": "array", "items": {"properties": {f"name{i}": {"type": ["string", "array"]} for i in range(20)}}},
    ),
}
PROGRAM = """
import json, os, resource, sys, time
from lingon.core.errors import UserError
from lingon.decoding.automaton import compiled
from lingon.decoding.regex import category, parse
from lingon.decoding.json_schema import schema_grammar

category("w")
for name, (kind, value) in json.load(sys.stdin).items():
    pid = os.fork()  # each bomb in a process of its own, so that the highest use of memory is its own
    if pid:
        os.waitpid(pid, 0)
        continue
    start, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    try:
        compiled((parse if kind == "pattern" else schema_grammar)(value))
        said = "accepted"
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start
    print(json.dumps([name, said, time.process_time() - began, used / 1024]), flush=True)
    os._exit(0)
"""


@pytest.fixture(scope="module")
def measured():
    cases = json.dumps({**BOMBS, **FINE})
    done = subprocess.run([sys.executable, "-c", PROGRAM], input=cases, capture_output=True, text=True, check=True)
    return {name: rest for name, *rest in map(json.loads, done.stdout.splitlines())}


@pytest.mark.skipif(sys.platform != "linux", reason="the highest use of memory is counted in other units elsewhere")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_within_a_second_and_100_megabytes(measured, name):
    said, seconds, megabytes = measured[name]
    assert said.startswith("UserError: ")
    assert len(said) < 300
    assert (seconds < 1, megabytes < 100) == (True, True), (seconds, megabytes)


@pytest.mark.parametrize("name", FINE)
def test_what_is_large_for_a_reason_is_built(measured, name):
    assert measured[name][0] == "accepted"
