"""Translators for other runtimes say what the model says: in Python without Lingon, in Node.js, in CTranslate2."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys

import pytest
import torch

from examples.portable import build
from lingon.checkpoints.bundle import save_bundle
from lingon.core.errors import UserError
from lingon.core.files import read_json
from lingon.data.tokenizers import bpe
from lingon.export.portable import export
from lingon.models.attention_rnn import AttentionRNN
from lingon.models.transformer import Transformer
from lingon.tasks.translate import TranslationParams, Translator
from lingon.tasks.translate.vocabularies import END, with_end

SOURCES = ["Good morning, old friend!", "A dog and a cat.", "The house is red."]
TARGETS = ["Guten Morgen, alter Freund!", "Ein Hund und eine Katze.", "Das Haus ist rot."]
TEXTS = [*SOURCES, "", "Morning [eos] dog", "A red cat and an old house, good friend. " * 4]
MODELS = {"transformer": Transformer, "attention_rnn": AttentionRNN}
GREEDY = TranslationParams(beams=1)
WITHOUT_LINGON = """import sys
class Wall:
    def find_spec(self, name, *_):
        assert name.split(".")[0] != "lingon"
sys.meta_path.insert(0, Wall())
"""
LACKS_CTRANSLATE2 = importlib.util.find_spec("ctranslate2") is None
with_ctranslate2 = pytest.mark.skipif(LACKS_CTRANSLATE2, reason="the package ctranslate2 is not installed")


def translator(model="transformer", **options):
    """A translator with random weights and two vocabularies."""
    torch.manual_seed(3)
    source, target = with_end(bpe(SOURCES, 281)), with_end(bpe(TARGETS, 277))
    ids = {"pad_id": target.pad_id, "start_id": target.vocab[END], "eos_id": target.vocab[END]}
    sizes = {"source_vocab_size": len(source.vocab), "source_length": 31, "context_length": 29, **ids}
    sizes |= {"width": 16, "depth": 2, "tied": False, **options}
    if options.get("copy"):  # from the vocabulary of both
        source, sizes["source_vocab_size"] = target, 0
    task = Translator(MODELS[model](len(target.vocab), **sizes), source, target)
    with torch.no_grad():
        for weight in task.model.parameters():
            weight.add_(torch.randn_like(weight) * 0.3)
    said = {i for text in TARGETS for i in target.encode(text)}
    task.suppressed_ids = tuple({*range(len(target.vocab))} - said)  # what is left can be read
    task.model.eval()
    return task


KINDS = {
    "transformer": ("transformer", {"heads": 2}),
    "attention_rnn": ("attention_rnn", {"hidden": 18}),
    "gated and copying": ("attention_rnn", {"hidden": 18, "cell": "gru", "copy": True}),
}


@pytest.fixture(scope="module", params=list(KINDS))
def bundle(request, tmp_path_factory):
    """A translator with two vocabularies, or one from which it copies, and its bundle."""
    name, options = KINDS[request.param]
    task = translator(name, **options)
    return task, save_bundle(task, name, tmp_path_factory.mktemp("bundle") / "bundle", {})


@pytest.fixture(scope="module")
def exported(bundle):
    """That bundle for onnxruntime."""
    return export(bundle[1], "onnx")


def greedy(task):
    return [found.translation for found in task.translate(TEXTS, GREEDY)]


def run_readme(folder, more=""):
    """What the program of a README says of the texts, where there is no Lingon."""
    code = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)[1]
    program = f"{WITHOUT_LINGON}{more}{code}\nprint(json.dumps([translate(text) for text in {TEXTS!r}]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.long
def test_the_program_of_the_readme_translates_greedily_as_the_model(bundle, exported):
    expected = greedy(bundle[0])
    assert len(set(expected)) > 3, "the model says the same of everything"
    assert run_readme(exported.folder) == expected
    assert exported.difference < 1e-4
    files = {"README.md", "config.json", "encoder.onnx", "decoder.onnx", "source.json", "target.json"}
    assert {path.name for path in exported.folder.iterdir()} == files


@pytest.mark.long
@pytest.mark.data
@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")
def test_node_translates_the_same(bundle, exported):
    program = ["node", str(build.javascript() / "translate.mjs"), str(exported.folder)]
    assert build.ask(program, TEXTS) == greedy(bundle[0])
    said = subprocess.run([*program, TEXTS[0]], capture_output=True, text=True, check=True).stdout
    assert said.rstrip("\n") == greedy(bundle[0])[0]


@with_ctranslate2
@pytest.mark.parametrize("pre_norm", [True, False])
def test_ctranslate2_translates_the_same(tmp_path, pre_norm):
    import ctranslate2

    task = translator(heads=2, pre_norm=pre_norm)
    saved = save_bundle(task, "transformer", tmp_path / "bundle", {})
    found = export(saved, "ctranslate2")
    assert found.difference < 1e-4
    assert run_readme(found.folder, f"sys.path[:] = {sys.path!r}\n") == greedy(task)
    served, tokens = ctranslate2.Translator(str(found.folder)), read_json(found.folder / "translator.json")
    never = task.forbidden_ids()
    for ids in task.source_ids(TEXTS[:3]):  # what a beam search finds has the probability that the model gives it
        how = {"beam_size": 4, "length_penalty": 0, "min_decoding_length": 0, "return_scores": True}
        how |= {"max_decoding_length": 17}
        (theirs,) = served.translate_batch([[tokens["source_tokens"][i] for i in ids]], **how)
        said = [tokens["target_tokens"].index(token) for token in theirs.hypotheses[0]]
        said += [task.model.eos_id] * (len(said) < 17)
        read, mask = torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.bool)
        logits = task.model.head(task.model(read, mask, torch.tensor([[task.model.start_id, *said[:-1]]])))[0]
        logits[:, never] = -torch.inf
        expected = logits.log_softmax(-1)[range(len(said)), said].sum()
        assert theirs.scores[0] == pytest.approx(expected.item(), abs=1e-3)
    again = export(saved, "ctranslate2", quantize="int8")  # takes the place of the older export
    assert again.size < found.size


def test_what_is_not_exported_is_said(bundle, tmp_path):
    _, saved = bundle
    with pytest.raises(UserError, match="a translator: --to ctranslate2 --quantize int8"):
        export(saved, "onnx", tmp_path / "out", int8=True)
    with pytest.raises(UserError, match="exported to onnx, ctranslate2, not to torch"):
        export(saved, "torch", tmp_path / "out")
    with pytest.raises(UserError, match="--quantize is for --to gguf and ctranslate2, not onnx"):
        export(saved, "onnx", tmp_path / "out", quantize="int8")
    if LACKS_CTRANSLATE2:
        with pytest.raises(UserError, match=r"the package 'ctranslate2' is not installed: .*pip install ctranslate2"):
            export(saved, "ctranslate2", tmp_path / "out")
    else:
        with pytest.raises(UserError, match="unknown --quantize 'int9'; did you mean 'int8'"):
            export(saved, "ctranslate2", tmp_path / "out", quantize="int9")
    assert not (tmp_path / "out").exists()
