"""An exported language model says what ours says, step by step, and its own program writes the same text."""

import contextlib
import io
import json
import os
import re
import runpy
import shutil
import subprocess

import onnxruntime
import pytest
import torch

from examples.portable import build as portable
from lingon.checkpoints.bundle import save_bundle
from lingon.core.errors import FetchError, UserError
from lingon.data.tokenizers.train import bpe, words
from lingon.decoding.sampling_params import SamplingParams
from lingon.export.cached_step import step_of
from lingon.export.language_model_onnx import _write, run_step
from lingon.export.portable import export
from lingon.models.from_config import from_config
from lingon.models.registry import build
from lingon.tasks.language_model import LanguageModel
from tests.examples.test_portable import JAVASCRIPT, TEXTS, in_javascript, node, strange
from tests.models.family_configs import CONFIGS

TOKENIZER = bpe(["It was the best of times, it was the worst of times. " * 3, "a dog ran; a cat ran"], 290)
SIZE = len(TOKENIZER.vocab)
OWN = {
    "gpt": {"width": 20, "depth": 2, "heads": 2, "context_length": 31, "tied": False},
    "decoder": {"width": 20, "depth": 4, "heads": 2, "kv_heads": 1, "context_length": 31, "window": 3},
    "lstm": {"width": 16, "depth": 2, "hidden": 20},
    "lstm, cutoffs": {"width": 16, "depth": 1, "hidden": 16, "cutoffs": [20, 70]},
    "awd_lstm": {"width": 16, "depth": 2, "hidden": 20},
}
FAMILIES = ("gpt2", "llama, yarn", "qwen2, windows", "qwen3", "gemma2", "gemma3")
PROMPTS = ["It was", "a dog", "", "the worst of times.", "caf\u00e9 \U0001f642"]


def a_model(name):
    kind, sizes = name.partition(",")[0], {"vocab_size": SIZE}
    model = build(kind, sizes | OWN[name]) if name in OWN else from_config(CONFIGS[name] | sizes)
    torch.manual_seed(2)
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.4)
    return model.eval()


def program_of(folder):
    """The program of a README."""
    return re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1]


def greedy_ids(language, prompt):
    steps = language.contrastive(
        prompt, SamplingParams(20, temperature=0), 0.0
    )  # ends with the context, as a program does
    ids = [step[0].id for step in steps]
    return ids[:-1] if ids[-1] in language.eos_ids else ids


@pytest.fixture(scope="module", params=["gpt", pytest.param("lstm", marks=pytest.mark.long)])
def exported(request, tmp_path_factory):
    home = tmp_path_factory.mktemp("onnx")
    language = LanguageModel(a_model(request.param), TOKENIZER)
    bundle = save_bundle(language, request.param, home / "lm", {})
    found = export(bundle, "onnx")
    assert found.folder == home / "lm-onnx"
    assert found.difference < 1e-4
    return language, found.folder


def test_the_program_of_the_readme_writes_the_same_text(exported, monkeypatch):
    language, folder = exported
    program = program_of(folder)
    assert "lingon" not in program
    monkeypatch.chdir(folder)
    (folder / "program.py").write_text(program, encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()) as said:
        names = runpy.run_path("program.py")
    for prompt in PROMPTS:
        assert names["generate"](prompt) == TOKENIZER.decode(greedy_ids(language, prompt)), prompt
    assert said.getvalue() == TOKENIZER.decode(greedy_ids(language, "It was")) + "\n"


def test_the_folder_says_what_a_program_must_know(exported):
    language, folder = exported
    config = json.loads((folder / "config.json").read_text())
    assert (config["eos_ids"], config["suppressed_ids"]) == ([0], [1])
    assert config["context_length"] == getattr(language.model, "context_length", None)
    session = onnxruntime.InferenceSession(str(folder / config["file"]), providers=["CPUExecutionProvider"])
    shapes = {value.name: value.shape for value in session.get_inputs()}
    assert shapes.pop("ids") == config["inputs"]["ids"]["shape"]
    assert shapes == {one["input"]: one["shape"] for one in config["state"]}
    assert [value.name for value in session.get_outputs()] == ["logits", *(one["output"] for one in config["state"])]


@pytest.mark.long
@pytest.mark.parametrize("name", [*OWN, *FAMILIES])
def test_a_graph_read_in_pieces_gives_the_logits_of_the_whole(name, tmp_path):
    model = a_model(name)
    step = step_of(model)
    _write(step, tmp_path / "model.onnx")
    run = run_step(tmp_path / "model.onnx", step.state())
    ids = torch.randint(SIZE, (4, 19), generator=torch.Generator().manual_seed(0))
    past, found = [one.zeros(4) for one in step.state()], []
    for part in ids.split(1 if step.at_once else [1, 7, 1, 1, 9], 1):
        logits, past = run(part, past)
        found.append(logits)
    with torch.no_grad():
        wanted = model(ids)
    torch.testing.assert_close(torch.cat(found, 1), wanted, rtol=0, atol=1e-5 * float(wanted.abs().max()))


def test_what_is_not_exported_is_refused(tmp_path):
    class Odd(torch.nn.Module):
        pass

    with pytest.raises(UserError, match="Odd has no step that can be exported; models of blocks and LSTMs have one"):
        step_of(Odd())
    bundle = save_bundle(LanguageModel(a_model("gpt"), TOKENIZER), "gpt", tmp_path / "lm", {})
    with pytest.raises(UserError, match=r"--int8 is for classifiers and encoders; .* --to gguf --quantize q8_0"):
        export(bundle, "onnx", int8=True)


@node
def test_javascript_finds_the_same_ids_and_texts_of_a_tokenizer_on_bytes():
    texts = [*TEXTS, *PROMPTS, *strange(400), "don't WE'LL  x\n\n y \x85 z 1234", " " * 7]
    code = """
    import { ByteBPE } from "./byte_bpe.mjs";
    const tokenizer = new ByteBPE(JSON.parse(given.tokenizer));
    const ids = given.texts.map((text) => tokenizer.encode(text));
    console.log(JSON.stringify({ ids, texts: ids.map((row) => tokenizer.decode(row)) }));
    """
    found = in_javascript(code, {"tokenizer": TOKENIZER.library.to_str(), "texts": texts})
    assert found == {"ids": TOKENIZER.encode_batch(texts), "texts": texts}
    code = 'import { ByteBPE } from "./byte_bpe.mjs"; let said; try { new ByteBPE(JSON.parse(given)) } '
    code += "catch (error) { said = error.message } console.log(JSON.stringify(said));"
    assert "not a tokenizer on bytes" in in_javascript(code, words(["a film"]).library.to_str())


@node
@pytest.mark.long
def test_node_writes_the_same_text(exported):
    language, folder = exported
    program = [shutil.which("node"), str(portable.javascript() / "generate.mjs"), str(folder)]
    found = portable.ask(program, PROMPTS)
    assert found["ids"] == [greedy_ids(language, prompt) for prompt in PROMPTS]
    said = subprocess.run([*program, "It was"], capture_output=True, check=True).stdout.decode()
    assert said == f"It was{found['texts'][0]}{os.linesep}"
    (folder / "config.json").write_text("{}")
    with pytest.raises(FetchError, match="not of a language model of format 2"):
        portable.ask(program, PROMPTS)
    assert JAVASCRIPT.is_dir()
