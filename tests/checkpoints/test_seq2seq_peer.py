"""Encoder-decoders against transformers itself: the same logits and the same texts, both ways."""

import json

import pytest
import torch

import lingon
from lingon.checkpoints.huggingface.save import save_hub
from lingon.checkpoints.huggingface.save_translator import save_translator
from lingon.checkpoints.huggingface.seq2seq import load_seq2seq
from lingon.decoding.beam import beam_search
from lingon.decoding.beam_params import BeamParams, eager_stopping, exact_stopping, heuristic_stopping
from lingon.decoding.decoder_protocol import TokenSequence
from lingon.decoding.logits_processors import forced_token, logit_bias, no_repeat_ngram_size
from lingon.decoding.prefill import read
from lingon.tasks.translate.decoder import source_decoder
from tests.checkpoints.conftest import worker_of
from tests.checkpoints.test_translators import fairseq, marian, t5
from tests.models.seq2seq_configs import CONFIGS, T5, cases_of

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("seq2seq_peer")]
every = pytest.mark.parametrize("name", CONFIGS)


@pytest.fixture(scope="module")
def peer():
    """transformers, of encoder-decoders."""
    yield from worker_of("seq2seq", "transformers")


def logits_of(peer, folder, case):
    asked = {key: rows.tolist() for key, rows in case.items()}
    answer = peer.ask("logits", {"folder": str(folder), **asked})
    assert not answer["unexpected_keys"]
    # Positions that are no weights.
    assert all("embed_positions" in key for key in answer["missing_keys"])
    return torch.tensor(answer["logits"])


@torch.no_grad()
def assert_equal(model, case, theirs):
    found = model.head(model(case["source"], case["mask"], case["target"]))
    assert (found - theirs).abs().max() < 1e-4
    assert theirs.std() > 0.2  # large enough that the bound means something


@every
def test_what_they_made_gives_the_same_logits_here_and_back(name, peer, tmp_path, monkeypatch):
    config = CONFIGS[name]
    peer.ask("make", {"config": config, "folder": str(tmp_path / "made"), "shard": "30KB"})
    model = load_seq2seq(tmp_path / "made").model
    cases = cases_of(config)
    theirs = [logits_of(peer, tmp_path / "made", case) for case in cases]
    for case, wanted in zip(cases, theirs, strict=True):
        assert_equal(model, case, wanted)
    save_hub(model, tmp_path / "again", shard=20_000)
    for case, wanted in zip(cases, theirs, strict=True):
        assert (logits_of(peer, tmp_path / "again", case) - wanted).abs().max() < 1e-4
    again = json.loads((tmp_path / "again" / "generation_config.json").read_text())
    assert again["decoder_start_token_id"] == config["decoder_start_token_id"]
    monkeypatch.setattr("lingon.layers.packing.PACKS", False)
    assert_equal(model, cases[1], theirs[1])


@pytest.mark.parametrize("name", ["t5", "marian"])
def test_checkpoints_in_half_precision_are_read(name, peer, tmp_path):
    peer.ask("make", {"config": CONFIGS[name], "folder": str(tmp_path), "dtype": "bfloat16"})
    case = cases_of(CONFIGS[name])[1]
    assert_equal(load_seq2seq(tmp_path).model, case, logits_of(peer, tmp_path, case))


def test_the_peer_reads_what_it_is_given(peer, tmp_path):
    """So that a peer that ignores a key would be seen."""
    peer.ask("make", {"config": T5, "folder": str(tmp_path)})
    case, path = cases_of(T5)[1], tmp_path / "config.json"
    before = logits_of(peer, tmp_path, case)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"relative_attention_max_distance": 11}))
    assert (logits_of(peer, tmp_path, case) - before).abs().max() > 1e-3


MOST = 12  # new tokens
STOPS = {False: heuristic_stopping, True: eager_stopping, "never": exact_stopping}
SEARCHES = {
    "greedy": {},
    "greedy, no pair twice": {"no_repeat_ngram_size": 2},
    "beams": {"num_beams": 4, "length_penalty": 1.0},
    "beams, long, eager": {"num_beams": 3, "length_penalty": 2.0, "early_stopping": True},
    "beams, exact": {"num_beams": 4, "length_penalty": 0.6, "early_stopping": "never"},
    "beams, a language first": {"num_beams": 4, "forced_bos_token_id": 17, "no_repeat_ngram_size": 3},
    "beams, five best": {"num_beams": 6, "num_return_sequences": 5, "length_penalty": 0.0},
}


def written(model, case, options, suppressed, forced_end):
    """What our beam search writes with the options of `generate`: ids of each text, and scores."""
    sources = [tuple(row[mask].tolist()) for row, mask in zip(case["source"], case["mask"], strict=True)]
    first = [options["forced_bos_token_id"]] if "forced_bos_token_id" in options else []
    prompt, size = [model.start_id, *first], options.get("no_repeat_ngram_size")
    made = [no_repeat_ngram_size(size)] if size else []
    made += [logit_bias(dict.fromkeys(suppressed, float("-inf")))] if suppressed else []
    made += [forced_token(model.eos_id, MOST - len(first))] if forced_end else []
    params = BeamParams(
        options.get("num_beams", 1),
        MOST - len(first),
        options.get("length_penalty", 1.0),
        options.get("num_return_sequences", 1),
        early_stopping=STOPS[options.get("early_stopping", False)],
        length_offset=len(first),  # a token that is forced counts there
    )
    decoder = source_decoder(model)
    rows = [TokenSequence(list(prompt), len(prompt)) for _ in sources]
    with torch.inference_mode():
        logits, state = read(decoder, [prompt] * len(rows), sources)
        found = beam_search(decoder.step, logits, state, rows, params, (model.eos_id,), made)
    return [(*first, *text.ids) for texts in found for text in texts]


def until_end(ids, *ends):
    return tuple(ids[: next((i for i, token in enumerate(ids) if token in ends), len(ids)) + 1])


@pytest.mark.parametrize("search", SEARCHES)
@every
def test_what_is_written_is_what_generate_writes(name, search, peer, tmp_path):
    # transformers cannot write by a T5 whose decoder is deeper than its encoder.
    config, options = CONFIGS[name] | ({"num_decoder_layers": 2} if "t5" in name else {}), SEARCHES[search]
    suppressed = [config["pad_token_id"]] if name.startswith("marian") else []
    more = {"max_new_tokens": MOST, "do_sample": False, **({"bad_words_ids": [[suppressed[0]]]} if suppressed else {})}
    # Told to `generate` itself: transformers takes it from the configuration of some families alone.
    more |= {key: config[key] for key in ("forced_eos_token_id",) if key in config}
    case, lengths = cases_of(config)[1], set()
    for seed, bias in enumerate((0.0, 1.5, 3.0)):  # so that some texts end before they are cut off
        folder = tmp_path / f"{seed}"
        peer.ask("make", {"config": config, "folder": str(folder), "eos_bias": bias, "seed": seed})
        model = load_seq2seq(folder).model
        asked = {"folder": str(folder), "source": case["source"].tolist(), "mask": case["mask"].tolist()}
        theirs = peer.ask("generate", asked | {"options": {**options, **more}})
        ours = written(model, case, options, suppressed, "forced_eos_token_id" in config)
        assert ours == [until_end(ids[1:], model.eos_id) for ids in theirs["ids"]]
        lengths |= set(map(len, ours))
    assert len(lengths) > 1 or not hasattr(model, "output_bias") or model.output_bias is None


def mbart(folder):
    """A translator of the family, with its tokenizer."""
    return fairseq(folder, "mbart", ["de_DE", "en_XX"])


def nllb(folder):
    """A translator of the family, with its tokenizer."""
    return fairseq(folder, "m2m_100", ["deu_Latn", "eng_Latn"])


FOLDERS = {"marian": marian, "mbart": mbart, "m2m_100": nllb}
BEAMS = {"num_beams": 4, "max_length": 14}
# Of published checkpoints of these families, but shorter.
GENERATION = {
    "marian, renormalized": ("marian", BEAMS | {"forced_eos_token_id": 0, "renormalize_logits": True}),
    "marian, greedy, ended": ("marian", {"max_length": 9, "forced_eos_token_id": 0, "no_repeat_ngram_size": 2}),
    "mbart, eager, from a language": (
        "mbart",
        BEAMS | {"num_beams": 5, "early_stopping": True, "forced_eos_token_id": 2, "decoder_start_token_id": 22},
    ),
    "mbart, summaries": (
        "mbart",
        BEAMS | {"length_penalty": 2.0, "min_length": 8, "no_repeat_ngram_size": 3, "forced_bos_token_id": 22},
    ),
    "m2m_100, a language first": ("m2m_100", BEAMS | {"early_stopping": "never", "forced_bos_token_id": 21}),
    "marian, beams, penalized": (
        "marian",
        BEAMS | {"repetition_penalty": 1.3, "forced_eos_token_id": 0, "length_penalty": -0.7},
    ),
    "marian, greedy, penalized": ("marian", {"max_length": 12, "repetition_penalty": 1.4}),
    "mbart, phrases, exact": (
        "mbart",
        BEAMS
        | {"early_stopping": "never", "length_penalty": -1.0, "repetition_penalty": 0.8, "forced_bos_token_id": 22}
        | {"bad_words_ids": [[a, b] for a in range(4, 21) for b in range(4, 21) if (a + b) % 3] + [[5, 6, 9]]},
    ),
    "marian, phrases, renormalized": (
        "marian",
        BEAMS
        | {"renormalize_logits": True, "no_repeat_ngram_size": 3, "forced_eos_token_id": 0}
        | {"bad_words_ids": [[a, b] for a in range(2, 60) for b in range(2, 60) if (a * b) % 2]},
    ),
    "marian, several ends": ("marian", BEAMS | {"eos_token_id": [5, 0, 31, 40], "length_penalty": 0.5}),
    "m2m_100, greedy": ("m2m_100", {"max_length": 14, "forced_bos_token_id": 22}),
}


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("case", GENERATION)
def test_a_translator_writes_what_generate_writes_without_arguments(case, older, peer, tmp_path):
    family, settings = GENERATION[case]
    pad = 88 if family == "marian" else 1  # behind padding that was written, positions are others there
    settings = settings | {"bad_words_ids": [[pad], *settings.get("bad_words_ids", [])]}
    lengths, texts = set(), ["abc d", "h", "g f e d c b a abcd", "a a a a b"]
    for seed, bias in enumerate((0.0, 1.5, 3.0)):  # so that some texts end before they are cut off
        folder = FOLDERS[family](tmp_path / f"{seed}")
        config = json.loads((folder / "config.json").read_text())
        peer.ask("make", {"config": config, "folder": str(folder), "eos_bias": bias, "seed": seed})
        ids = {key: config[key] for key in ("decoder_start_token_id", "eos_token_id", "pad_token_id")}
        if older:
            (folder / "generation_config.json").unlink(missing_ok=True)
            (folder / "config.json").write_text(json.dumps(config | settings))
        else:
            (folder / "generation_config.json").write_text(json.dumps(ids | settings))
        translator = lingon.load(folder)
        sources = translator.source_ids(texts)
        widest = max(map(len, sources))
        rows = [[*row, *[ids["pad_token_id"]] * (widest - len(row))] for row in sources]
        mask = [[column < len(row) for column in range(widest)] for row in sources]
        asked = {"folder": str(folder), "source": rows, "mask": mask, "options": {}}
        ends = translator.eos_ids
        theirs = [until_end(row[1:], *ends) for row in peer.ask("generate", asked)["ids"]]
        ours = [(*translator.prefix_ids, *one.ids) for one in translator.translate(texts)]
        assert ours == theirs
        lengths |= set(map(len, ours))
    assert len(lengths) > 1 or family == "m2m_100"  # which has no bias


SAVED = {
    "marian": (marian, None, "source.spm"),
    "mbart": (mbart, ("en_XX", "de_DE"), "sentencepiece.bpe.model"),
    "m2m_100": (nllb, ("eng_Latn", "deu_Latn"), "sentencepiece.bpe.model"),
    "t5": (t5, None, "spiece.model"),
}


@pytest.mark.parametrize("family", SAVED)
def test_saved_tokenizers_are_read_by_the_peers(family, peer, tmp_path):
    make, languages, name = SAVED[family]
    translator = lingon.load(make(tmp_path / "m"))
    if languages:
        translator = translator.with_languages(*languages)
    saved, texts = save_translator(translator, tmp_path / "again"), ["abc d", "h g", "  a  bb c", "xyz a"]
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    asked = {"texts": str(tmp_path / "texts.json")}
    before, after = (peer.ask("piece_ids", asked | {"path": str(home / name)}) for home in (tmp_path / "m", saved))
    for key in ("ids", "texts", "scores"):
        assert before[key] == after[key]
    if family == "marian":  # of the others transformers wants protobuf, which its environment has not
        found = peer.ask("tokenizer", asked | {"folder": str(saved), "kind": "MarianTokenizer", "options": {}})
        assert list(map(tuple, found["ids"])) == translator.source_ids(texts)
