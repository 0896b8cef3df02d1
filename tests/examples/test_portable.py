"""Programs in other languages find the ids and logits that Python finds."""

import json
import random
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest
import tokenizers
import torch

import lingon
from examples.portable import build
from examples.portable.javascript import make_bert_characters
from lingon.checkpoints.bundle import save_bundle
from lingon.checkpoints.load import load
from lingon.core.errors import FetchError
from lingon.data.load_pairs import load_pairs
from lingon.data.load_questions import load_questions
from lingon.data.tokenizers import Tokenizer, bpe, words
from lingon.export.portable import export
from lingon.models.registry import build as build_model
from lingon.tasks.classify import Classifier
from lingon.tasks.embed import Embedder

JAVASCRIPT = build.HERE / "javascript"
TEXTS = [
    "Don't pay $3.50, the café isn’t open! shouldn't've N'T",
    "ΣΙΣΥΦΟΣ İstanbul ſ's film'ſ 1,000.50 1. .5 1..2",
    "日本語の映画 한국 " + unicodedata.normalize("NFD", "한국 ȩ́"),
    "👨‍👩‍👧 👍🏽 a\x85b\xa0c\ufeffd\u180ee\x1cf",
    "",
    "  \n",
    "[pad] [unk]",
]
node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")


def strange(count: int) -> list[str]:
    """Texts of any characters, and of those that the rule for words looks at."""
    draw = random.Random(11)
    assigned = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]
    rule = list("abN'tTsSrReEdDmMlLvV 19.,-é’\u200d\u0301")
    return [
        "".join(draw.choice(assigned if draw.random() < 0.5 else rule) for _ in range(draw.randint(1, 13)))
        for _ in range(count)
    ]


def in_javascript(code: str, given: object) -> object:
    """What a piece of JavaScript prints as JSON; `given` is there under this name."""
    start = f'import {{ readFileSync }} from "node:fs"; const given = JSON.parse(readFileSync(0, "utf8"));\n{code}'
    done = subprocess.run(
        ["node", "--input-type=module", "-e", start],
        cwd=JAVASCRIPT,
        input=json.dumps(given),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


ENCODE = """
import { Tokenizer } from "./tokenizer.mjs";
const tokenizer = new Tokenizer(JSON.parse(given.tokenizer));
console.log(JSON.stringify(given.texts.map((text) => tokenizer.encode(text))));
"""


@node
@pytest.mark.parametrize("lowercase", [True, False])
def test_javascript_finds_the_same_ids(lowercase):
    texts = TEXTS + strange(700)
    tokenizer = words(texts[:400], lowercase=lowercase)
    given = {"tokenizer": tokenizer.library.to_str(), "texts": texts}
    assert in_javascript(ENCODE, given) == tokenizer.encode_batch(texts)


def bert_tokenizer(texts, **normal):
    """BERT's tokenizer of which every character is known, so that ids tell the pieces apart."""
    library = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=9))
    library.normalizer = tokenizers.normalizers.BertNormalizer(**normal)
    library.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    words = [
        w for text in texts for w, _ in library.pre_tokenizer.pre_tokenize_str(library.normalizer.normalize_str(text))
    ]
    letters = sorted({c for word in words for c in word})
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{c}" for c in letters), *sorted(set(words[::3]))]
    vocab = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    library.model = tokenizers.models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=9)
    library.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    ends = [(name, vocab[name]) for name in ("[SEP]", "[CLS]")]
    library.post_processor = tokenizers.processors.BertProcessing(*ends)
    return Tokenizer(library)


ENCODE_BERT = """
import { tokenizerOf } from "./tokenizers.mjs";
const tokenizer = tokenizerOf(JSON.parse(given.tokenizer));
console.log(JSON.stringify(given.texts.map((text) => tokenizer.encode(text, given.most ?? Infinity))));
"""
ODD = [
    "Crème Brûlée naïve ÅNGSTRÖM ǆ İstanbul ẞ ﬁ Ω",
    "a\x00b\ufffdc\u200bd\u00ade\x85f\x0bg\u3000h\u2028i",
    "日本語 한국어 カタカナ 𠀀 \uf900 mixed漢字word",
    "don't... e-mail: x@y.z; $5+3=8 ~`^| «quote» ¿qué? — “”",
    "[CLS] [SEP] [PAD] [MASK] ##ing",
    "supercalifragilistic " * 3,
    "ΣΙΣΥΦΟΣ Σ ς \u0345 \u0e31 \u0e33 \u1e9b\u0323 \uac01 \u1100\u1161",
    "\U0001f468\u200d\U0001f469 \u06dd \u061d \u2e5d \U000105c9 \U00011938 e\u0301\u0323 \u0b55",
]


@node
@pytest.mark.parametrize(
    "normal", [{}, {"lowercase": False}, {"strip_accents": False}, {"lowercase": False, "strip_accents": True}]
)
def test_javascript_finds_the_same_ids_of_bert(normal):
    texts = [*TEXTS, *ODD, *strange(500)]
    tokenizer = bert_tokenizer(texts, **normal)
    given = {"tokenizer": tokenizer.library.to_str(), "texts": texts}
    found, expected = in_javascript(ENCODE_BERT, given), tokenizer.encode_batch(texts)
    assert found == expected
    assert sum(row.count(1) > 0 for row in expected) < len(texts) / 2, "most must be pieces and not the unknown word"
    cut = in_javascript(ENCODE_BERT, given | {"most": 5})
    assert cut == tokenizer.truncate(texts, expected, 5)


def real_texts():
    """1,000 texts of people: English and German, with names and quotations of other scripts; then strange ones."""
    pairs, german = load_pairs("stsb", "valid"), load_questions("xquad-de")
    contexts = list(dict.fromkeys(one.context for one in german))  # of Wikipedia, with Chinese names and accents
    real = [*pairs.first[:400], *(one.question for one in german[:400]), *contexts[:200]]
    assert len(real) == 1000
    assert sum(not text.isascii() for text in real) > 200
    return [*real, *TEXTS, *ODD, *strange(300)]


@node
@pytest.mark.data
def test_javascript_finds_the_same_ids_of_minilm():
    tokenizer, texts = lingon.load("minilm-l6").tokenizer, real_texts()
    given = {"tokenizer": tokenizer.library.to_str(), "texts": texts}
    assert in_javascript(ENCODE_BERT, given) == tokenizer.encode_batch(texts)


@pytest.mark.long
def test_what_javascript_knows_of_characters_is_what_the_library_does():
    assert (JAVASCRIPT / "bert_characters.mjs").read_text() == make_bert_characters.text()


@node
def test_javascript_refuses_other_tokenizers_and_half_a_character():
    other = bpe(["a film, a good film"] * 3, 300)
    code = """
    import { Tokenizer } from "./tokenizer.mjs";
    const said = [];
    for (const [tokenizer, text] of given) {
      try {
        new Tokenizer(JSON.parse(tokenizer)).encode(text);
        said.push(null);
      } catch (error) {
        said.push(error.message);
      }
    }
    console.log(JSON.stringify(said));
    """
    plain = words(["a film"]).library.to_str()
    said = in_javascript(code, [[other.library.to_str(), "a"], [plain, "\ud800"], [plain, "a"]])
    code = code.replace("new Tokenizer", "tokenizerOf").replace("{ Tokenizer }", "{ tokenizerOf }")
    bert = bert_tokenizer(["a film"]).library
    bert.add_tokens(["film"])
    template = json.loads(bert_tokenizer(["a"]).library.to_str())
    template["post_processor"] = {"type": "RobertaProcessing"}
    code = code.replace("tokenizer.mjs", "tokenizers.mjs")
    refused = in_javascript(code, [[bert.to_str(), "a"], [json.dumps(template), "a"], [other.library.to_str(), "a"]])
    assert refused[0].endswith("the token 'film' was added to its words; this program knows none")
    assert refused[1].endswith("a RobertaProcessing, expected BertProcessing")
    assert "not a tokenizer of whole words" in refused[2]
    assert "not a tokenizer of whole words" in said[0]
    assert "half of a surrogate pair" in said[1]
    assert said[2] is None


@node
@pytest.mark.parametrize("characters", [False, True])
def test_javascript_finds_the_same_rows_and_counts(characters):
    from lingon.data.batches import collate
    from lingon.models.ngram_rows import row_rule, rows_and_counts
    from lingon.models.ngrams import NGrams

    tokenizer = words(TEXTS)
    model = NGrams(len(tokenizer.vocab), 2, order=3, buckets=1 << 8)  # so few that rows are shared
    if characters:
        model.read_characters(list(tokenizer.vocab), 2, 5)
    ids = tokenizer.encode_batch([*TEXTS, " ".join(TEXTS), " ".join(TEXTS * 3), "film film film"])
    code = """
    import { rowsOf } from "./rows.mjs";
    const { ids, rule, tokens } = given;
    console.log(JSON.stringify(ids.map((row) => [...rowsOf(row, rule, tokens)].sort((a, b) => a[0] - b[0]))));
    """
    vocab = list(tokenizer.vocab)
    found = in_javascript(code, {"ids": ids, "rule": row_rule(model, vocab), "tokens": vocab})
    batch = collate(ids)
    rows, counts = rows_and_counts(model, batch.ids, batch.mask)
    expected = [torch.stack([r, c.long()], 1)[c > 0].tolist() for r, c in zip(rows, counts, strict=True)]
    assert found == expected
    assert expected[-1][0][1] > 2


@pytest.fixture(scope="module")
def reviews():
    return lingon.load_data("imdb").test.texts[:100]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory, reviews):
    """Models with large random weights, over the words of real reviews."""
    folder, made = tmp_path_factory.mktemp("portable"), {}
    tokenizer = words(lingon.load_data("imdb").train.texts[:1000])
    sizes = {"vocab_size": len(tokenizer.vocab), "classes": 2}
    for name, own in {"ngrams": {"buckets": 1 << 16}, "bilstm": {"width": 13, "hidden": 11}}.items():
        torch.manual_seed(3)
        model = build_model(name, sizes | own)
        for p in model.parameters():
            torch.nn.init.normal_(p.data, std=0.3)
        if name == "ngrams":
            model.read_characters(list(tokenizer.vocab))
            model.idf.uniform_(0.5, 7)
            model.idf[::5] = 0  # not seen in training
            model.scale.fill_(1.7)
        else:
            model.embedding.weight.data[0] = 0
        classifier = Classifier(model, tokenizer, ["negative", "positive"], max_length=200)
        made[name] = save_bundle(classifier, name, folder / name, {})
    return made


def python_says(bundle: Path, texts: list[str]) -> torch.Tensor:
    model = load(bundle)
    return torch.cat([model.logits([text]) for text in texts])


def agree(answer: dict, expected: torch.Tensor) -> None:
    torch.testing.assert_close(torch.tensor(answer["logits"]), expected, rtol=0, atol=1e-4)
    assert len(answer["milliseconds"]) == len(expected)


@pytest.mark.long
@pytest.mark.data
@pytest.mark.parametrize("name", ["ngrams", "bilstm"])
def test_node_and_the_page_agree_with_python(bundles, reviews, tmp_path, name):
    texts = [*reviews, ""]
    expected = python_says(bundles[name], texts)
    onnx = export(bundles[name], "onnx", tmp_path / "onnx").folder
    program = ["node", str(build.javascript() / "classify.mjs"), str(onnx)]
    agree(build.ask(program, texts), expected)
    said = subprocess.run([*program, reviews[0]], capture_output=True, text=True, check=True).stdout
    assert said.startswith(load(bundles[name]).predict(reviews[0]).label)
    picture = tmp_path / "page.png"
    agree(build.browse(build.page(onnx, tmp_path / "page"), texts, picture), expected)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert len(picture.read_bytes()) > 5000, "an empty page"
    (onnx / "config.json").write_text("{}")
    with pytest.raises(FetchError, match="this program reads format 2"):
        build.ask(program, texts)


@node
@pytest.mark.long
@pytest.mark.data
def test_node_and_the_page_give_the_vectors_of_minilm(tmp_path):
    onnx = export("minilm-l6", "onnx", tmp_path / "onnx").folder
    model, texts = load("minilm-l6"), ["A man is eating food.", "Someone eats.", *ODD, ""]
    program = ["node", str(build.javascript() / "embed.mjs"), str(onnx)]
    found = torch.tensor(build.ask(program, texts)["vectors"])
    torch.testing.assert_close(found, torch.from_numpy(model.encode(texts)), rtol=0, atol=1e-5)
    said = subprocess.run([*program, *texts[:2]], capture_output=True, text=True, check=True).stdout
    assert float(said.split()[0]) == pytest.approx(float(found[0] @ found[1]), abs=1e-4)
    with pytest.raises(FetchError, match="the task is embed; this program is for classify"):
        build.ask(["node", str(build.javascript() / "classify.mjs"), str(onnx)], texts)
    page = build.browse(build.page(onnx, tmp_path / "page"), texts)
    torch.testing.assert_close(torch.tensor(page["vectors"]), found, rtol=0, atol=1e-5)
    (onnx / "config.json").write_text(json.dumps({"task": "parse"}))
    with pytest.raises(FetchError, match="the task is parse; there are pages for classify, embed, classify-images, "):
        build.page(onnx, tmp_path / "other")


@pytest.mark.long
@pytest.mark.data
@pytest.mark.parametrize("name", ["ngrams", "bilstm"])
def test_cpp_agrees_with_python(bundles, reviews, tmp_path, name):
    texts = [*reviews, ""]
    expected = python_says(bundles[name], texts)
    pt2 = export(bundles[name], "torch", tmp_path / "torch").folder
    program = [str(build.cpp()), str(pt2), str(build.compiled(pt2, tmp_path / "compiled.pt2"))]
    agree(build.ask(program, texts), expected)
    said = subprocess.run([*program, reviews[0]], capture_output=True, text=True, check=True).stdout
    assert said.startswith(load(bundles[name]).predict(reviews[0]).label)
    (pt2 / "config.json").write_text('{"format":')
    with pytest.raises(FetchError, match=r"config.json: not JSON at byte 10: it ends too early"):
        build.ask(program, texts)


def encoder_bundles(folder, texts):
    """An encoder of sentences, and a classifier on one, with random weights and BERT's tokenizer."""
    tokenizer = bert_tokenizer(texts)
    sizes = {"vocab_size": len(tokenizer.vocab), "width": 16, "heads": 2, "depth": 2, "context_length": 40}
    models = build_model("bert", sizes), build_model("encoder", {**sizes, "classes": 3})
    for p in [*models[0].parameters(), *models[1].parameters()]:
        torch.nn.init.normal_(p.data, std=0.2)
    embedder = Embedder(models[0].eval(), tokenizer, normalize=True)
    classifier = Classifier(models[1].eval(), tokenizer, ["x", "y", "z"], max_length=40)
    return {
        "embed": save_bundle(embedder, "bert", folder / "embedder", {}),
        "classify": save_bundle(classifier, "encoder", folder / "classifier", {}),
    }


@pytest.mark.long
@pytest.mark.parametrize("task", ["embed", "classify"])
def test_cpp_runs_encoders_with_the_tokenizer_of_bert(task, tmp_path):
    torch.manual_seed(3)
    texts = [*TEXTS, *ODD, "A man is eating food.", "Someone eats."]
    bundle = encoder_bundles(tmp_path, texts)[task]
    pt2 = export(bundle, "torch", tmp_path / "torch").folder
    program = [str(build.cpp(task)), str(pt2), str(build.compiled(pt2, tmp_path / "compiled.pt2"))]
    answer, model = build.ask(program, texts), load(bundle)
    expected = torch.from_numpy(model.encode(texts)) if task == "embed" else model.logits(texts)
    found = torch.tensor(answer["vectors" if task == "embed" else "logits"])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    said = subprocess.run([*program, *texts[-2:]], capture_output=True, text=True, check=True).stdout.splitlines()
    if task == "embed":
        assert float(said[0].split()[0]) == pytest.approx(float(expected[-2] @ expected[-1]), abs=1e-4)
    else:
        assert [line.split()[0] for line in said] == [one.label for one in model.predict(texts[-2:])]
    (pt2 / "config.json").write_text(json.dumps({"format": 2, "task": "parse"}))
    with pytest.raises(FetchError, match=f"the task is parse; this program is for {task}"):
        build.ask(program, texts)


def cpp_ids(tokenizer, texts, folder, *most):
    """The ids that the C++ program finds."""
    tokenizer.save(folder / "tokenizer.json")
    program = [build.cpp("encode"), folder / "tokenizer.json", *map(str, most)]
    done = subprocess.run(program, input=json.dumps(texts), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.long
@pytest.mark.parametrize(
    "normal", [{}, {"lowercase": False}, {"strip_accents": False}, {"lowercase": False, "strip_accents": True}]
)
def test_cpp_finds_the_same_ids_of_bert(normal, tmp_path):
    texts = [*TEXTS, *ODD, *strange(1500)]
    tokenizer = bert_tokenizer(texts, **normal)
    expected = tokenizer.encode_batch(texts)
    assert cpp_ids(tokenizer, texts, tmp_path) == expected
    assert cpp_ids(tokenizer, texts, tmp_path, 5) == tokenizer.truncate(texts, expected, 5)


@pytest.mark.long
@pytest.mark.data
def test_cpp_finds_the_same_ids_of_minilm(tmp_path):
    tokenizer, texts = lingon.load("minilm-l6").tokenizer, real_texts()
    assert cpp_ids(tokenizer, texts, tmp_path) == tokenizer.encode_batch(texts)


@pytest.mark.long
def test_cpp_refuses_other_tokenizers(tmp_path):
    bert = bert_tokenizer(["a film"])
    bert.library.add_tokens(["film"])
    for tokenizer, said in (
        (bert, "the token 'film' was added to its words; this program knows none"),
        (bpe(["a film, a good film"] * 3, 300), "not a tokenizer of whole words"),
    ):
        with pytest.raises(AssertionError, match=said):
            cpp_ids(tokenizer, ["a"], tmp_path)


@pytest.mark.long
def test_cpp_finds_the_same_ids(tmp_path):
    texts = TEXTS + strange(700)
    for lowercase in (True, False):
        tokenizer = words(texts[:400], lowercase=lowercase)
        assert cpp_ids(tokenizer, texts, tmp_path) == tokenizer.encode_batch(texts)
