"""Published translators: opened with the tokenizers of their kind, told their languages, refused when broken."""

import itertools
import json
from dataclasses import replace

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import lingon
from lingon.checkpoints.bundle import save_bundle
from lingon.checkpoints.huggingface.save import save_hub
from lingon.checkpoints.huggingface.save_translator import save_translator
from lingon.cli.app import app
from lingon.core.errors import DataError, UserError
from lingon.data.tokenizers import bpe
from lingon.decoding.beam_params import eager_stopping
from lingon.export import seq2seq_ctranslate2
from lingon.models.from_config import from_config
from lingon.tasks.translate import TranslationParams
from lingon.tasks.translate.generation_config import params_of
from tests.data.sentencepiece_files import write_model
from tests.models.seq2seq_configs import BART, MARIAN, T5

LETTERS = [(f"▁{c}", -2.0, 1) for c in "abcdefgh"] + [(c, -3.0, 1) for c in "▁abcdefgh"]
NAMES = [name for name, *_ in LETTERS]
T5_FIRST = [("<pad>", 0.0, 3), ("</s>", 0.0, 3)]
SEEN = TranslationParams(beams=2, max_new_tokens=5)


def weights(folder, config, **more):
    torch.manual_seed(1)
    model = from_config(config | more, role="seq2seq").eval()
    for p in model.parameters():
        nn.init.normal_(p.data, std=0.3)
    return save_hub(model, folder)


def marian(folder, codes=()):
    weights(folder, MARIAN, bad_words_ids=[[88]])
    for side in ("source", "target"):
        write_model(folder / f"{side}.spm", LETTERS)
    names = ["</s>", "<unk>", *NAMES, *codes]
    names += [f"x{i}" for i in range(88 - len(names))] + ["<pad>"]
    (folder / "vocab.json").write_text(json.dumps({name: i for i, name in enumerate(names)}))
    return folder


def fairseq(folder, family, codes, tokenizer_class="", **more):
    """mBART, or NLLB: tokens of fairseq, pieces, codes of languages, a mask."""
    rows = 4 + len(LETTERS) + len(codes) + 1
    weights(folder, BART, model_type=family, vocab_size=rows, **more)
    write_model(folder / "sentencepiece.bpe.model", LETTERS)
    (folder / "special_tokens_map.json").write_text(json.dumps({"additional_special_tokens": codes}))
    return folder


def translated(translator, text="abc d", params=SEEN):
    return translator.translate([text], params)[0]


def test_a_marian_is_a_translator_with_two_models_of_pieces(tmp_path):
    translator = lingon.load(marian(tmp_path / "m"))
    names = ["</s>", "<unk>", *NAMES]
    assert [names[i] for i in translator.source.encode("ab h")] == ["▁a", "b", "▁h", "</s>"]
    assert translator.suppressed_ids == (88,)
    assert (translator.model.start_id, translator.model.eos_id, translator.prefix_ids) == (88, 0, ())
    found = translated(translator)
    assert 1 <= len(found.ids) <= 5
    assert 88 not in found.ids
    assert translator.languages == []
    with pytest.raises(UserError, match="--source-lang is for models of many languages; this one has two"):
        translator.with_languages("en", None)
    # As a bundle it says the same.
    save_bundle(translator, "marian", tmp_path / "bundle", {})
    assert translated(lingon.load(tmp_path / "bundle")).ids == found.ids


def written_by_hand(translator, text, settings):
    """What `generate` of transformers writes greedily by these settings, by whole forwards."""
    ids, end = [*translator.prompt()], translator.model.eos_id
    source = torch.tensor([translator.source.encode(text)])
    while len(ids) < settings["max_length"]:
        hidden = translator.model(source, torch.ones_like(source, dtype=torch.bool), torch.tensor([ids]))
        logits = translator.model.head(hidden)[0, -1]
        pairs = list(itertools.pairwise(ids))
        if "repetition_penalty" in settings:
            for i in set(ids):
                logits[i] *= settings["repetition_penalty"] ** (1 if logits[i] < 0 else -1)
        logits[[after for before, after in pairs if before == ids[-1]]] = -torch.inf  # no pair twice
        logits[[word[1] for word in settings.get("bad_words_ids", []) if word[:-1] == ids[-1:]]] = -torch.inf
        logits[88] = -torch.inf
        if len(ids) < settings["min_length"]:
            logits[end] = -torch.inf
        ids.append(end if len(ids) == settings["max_length"] - 1 else int(logits.argmax()))
        if ids[-1] == end:
            break
    return tuple(ids[1:])


@torch.inference_mode()
def test_the_settings_of_a_checkpoint_count_where_nothing_is_said(tmp_path):
    settings = {"max_length": 9, "min_length": 5, "no_repeat_ngram_size": 2, "forced_eos_token_id": 0}
    folder, texts = marian(tmp_path / "m"), ["abc d", "h", "g f e", "a a a a b"]

    def translator(bias, **changes):
        (folder / "generation_config.json").write_text(json.dumps({"bad_words_ids": [[88]], **settings, **changes}))
        made = lingon.load(folder)
        made.model.output_bias.data[..., made.model.eos_id] += bias
        return made

    # Each setting changes what is written, so that one that is lost would be seen: of texts that go on, that end early.
    late = ({"max_length": 19}, {"no_repeat_ngram_size": None}, {"forced_eos_token_id": None})
    for bias, every in ((2.0, late), (4.0, ({"min_length": None},))):
        found = [one.ids for one in translator(bias).translate(texts)]
        assert found == [written_by_hand(translator(bias), text, settings) for text in texts]
        for changes in every:
            assert [one.ids for one in translator(bias, **changes).translate(texts)] != found, changes


@torch.inference_mode()
def test_forbidden_phrases_and_a_penalty_of_a_checkpoint_count_and_are_kept(tmp_path):
    folder, texts = marian(tmp_path / "m"), ["abc d", "h", "g f e", "a a a a b"]
    plain = {"max_length": 9, "min_length": 0, "no_repeat_ngram_size": 2, "forced_eos_token_id": 0}

    def translator(home, settings):
        words = [[88], *settings.get("bad_words_ids", [])]
        (home / "generation_config.json").write_text(json.dumps({**settings, "bad_words_ids": words}))
        return lingon.load(home)

    before = [one.ids for one in translator(folder, plain).translate(texts)]
    phrases = sorted({pair for ids in before for pair in itertools.pairwise(ids)})[:4]
    settings = plain | {"repetition_penalty": 1.7, "bad_words_ids": [list(pair) for pair in phrases]}
    made = translator(folder, settings)
    for changed in (settings, plain | {"bad_words_ids": settings["bad_words_ids"]}):
        ours = translator(folder, changed)
        found = [one.ids for one in ours.translate(texts)]
        assert found == [written_by_hand(ours, text, changed) for text in texts]
        assert found != before
    assert made.suppressed_ids == (88,)
    assert made.params.bad_phrases == tuple(phrases)
    saved = save_translator(made, tmp_path / "again")
    again = json.loads((saved / "generation_config.json").read_text())
    assert (again["bad_words_ids"], again["repetition_penalty"]) == ([[88], *map(list, phrases)], 1.7)
    wanted = [one.ids for one in made.translate(texts)]
    save_bundle(made, "marian", tmp_path / "bundle", {})
    assert all(
        [one.ids for one in lingon.load(home).translate(texts)] == wanted for home in (saved, tmp_path / "bundle")
    )
    for ids in (one.ids for some in made.n_best(texts, replace(made.params, beams=5, n=5)) for one in some):
        assert not {*itertools.pairwise(ids)} & {*phrases}


def test_each_of_several_end_tokens_of_a_checkpoint_ends_a_translation(tmp_path):
    folder, texts = marian(tmp_path / "m"), ["abc d", "h", "g f e", "a a a a b"]
    settings = {"max_length": 9, "bad_words_ids": [[88]], "eos_token_id": 0}
    (folder / "generation_config.json").write_text(json.dumps(settings))
    plain = lingon.load(folder)
    assert "eos_token_id" not in plain.generation
    before = [one.ids for one in plain.translate(texts)]
    ends = [before[0][2], 0, before[2][1]]
    (folder / "generation_config.json").write_text(json.dumps(settings | {"eos_token_id": ends}))
    made = lingon.load(folder)
    assert made.eos_ids == tuple(ends)
    cut = [ids[: min((i for i, token in enumerate(ids) if token in ends), default=8) + 1] for ids in before]
    assert [one.ids for one in made.translate(texts)] == cut != before
    saved = save_translator(made, tmp_path / "again")
    assert json.loads((saved / "generation_config.json").read_text())["eos_token_id"] == ends
    save_bundle(made, "marian", tmp_path / "bundle", {})
    for home in (saved, tmp_path / "bundle"):
        assert [one.ids for one in lingon.load(home).translate(texts)] == cut
    (folder / "generation_config.json").unlink()  # config.json says it of older ones
    (folder / "config.json").write_text(json.dumps(json.loads((folder / "config.json").read_text()) | settings))
    assert lingon.load(folder).eos_ids == (0,)
    for wrong in (3, [], [-1], ["a"]):
        with pytest.raises(DataError, match="expected a list of ids"):
            params_of({"num_beams": 1, "eos_token_id": wrong})


def test_several_end_tokens_are_refused_by_ctranslate2_and_settings_without_effect_are_said(tmp_path, monkeypatch):
    folder = marian(tmp_path / "m")
    given = {"eos_token_id": [0, 5], "num_return_sequences": 3, "num_beams": 3, "force_words_ids": [[4]]}
    (folder / "generation_config.json").write_text(json.dumps(given))
    with pytest.warns(UserWarning, match="have no effect here: num_return_sequences, force_words_ids"):
        translator = lingon.load(folder)
    monkeypatch.setattr(seq2seq_ctranslate2, "needed_ctranslate2", lambda: None)
    with pytest.raises(UserError, match=r"end with any of several tokens \(0, 5\); in CTranslate2 one ends a text"):
        seq2seq_ctranslate2.write_ctranslate2(translator, tmp_path / "out")


def test_a_length_penalty_below_zero_is_no_reason_not_to_load(tmp_path):
    folder = marian(tmp_path / "m")
    (folder / "generation_config.json").write_text(json.dumps({"length_penalty": -1.5, "num_beams": 4}))
    translator = lingon.load(folder)
    assert translator.params.length_penalty == -1.5
    for one in translator.translate(["abc d", "h"]):
        assert one.score == pytest.approx(one.logprob * len(one.ids) ** 1.5)


def test_settings_of_a_checkpoint_are_kept_and_overridden(tmp_path, capsys):
    folder = marian(tmp_path / "m")
    given = {"num_beams": 3, "length_penalty": 2.0, "early_stopping": True, "renormalize_logits": True, "max_length": 7}
    (folder / "generation_config.json").write_text(json.dumps({"do_sample": True, "top_k": 5, **given}))
    said = r"settings ask for sampling \(do_sample true, top_k 5\); beam search is used, which is deterministic"
    with pytest.warns(UserWarning, match=said):
        translator = lingon.load(folder)
    save_bundle(translator, "marian", tmp_path / "bundle", {})
    for made in (translator, lingon.load(tmp_path / "bundle")):
        assert made.generation == given
        assert (made.params.beams, made.params.length_penalty, made.params.length_offset) == (3, 2.0, 0)
        assert made.params.beam_params(6).early_stopping is eager_stopping
        assert (made.params.most(50), made.params.renormalize) == (6, True)
    # A token that is forced first is a new one there, and stands before the new ones here.
    assert [params_of({"max_new_tokens": 5}).most(50, begun) for begun in (1, 2)] == [5, 4]
    (tmp_path / "m" / "generation_config.json").unlink()  # config.json counts then, which has no beams
    assert lingon.load(folder).params.beams == 1
    shown = []
    for more in ([], ["--beams", "2"], ["--max-new-tokens", "2"], ["--n-best", "5"]):
        app(["translate", str(tmp_path / "bundle"), "abc d", "--format", "jsonl", *more], standalone_mode=False)
        shown.append([json.loads(line)["logprob"] for line in capsys.readouterr().out.splitlines()])
    every = ({}, {"beams": 2}, {"max_new_tokens": 2}, {"beams": 5, "n": 5})
    for found, changes in zip(shown, every, strict=True):
        (wanted,) = translator.n_best(["abc d"], replace(translator.params, **changes))
        assert found == pytest.approx([one.logprob for one in wanted])
        assert len(found) == changes.get("n", 1)


def test_a_marian_of_several_targets_is_told_one_before_the_text(tmp_path):
    translator = lingon.load(marian(tmp_path, codes=(">>deu<<", ">>fra<<")))
    assert translator.languages == ["deu", "fra"]
    with pytest.raises(UserError, match=r"knows 2 languages \(deu, fra, ...\); name the target language"):
        translated(translator)
    french = translator.with_languages(None, "fra")
    code = french.source.library.token_to_id(">>fra<<")
    assert french.source.encode("ab")[0] == code
    assert translated(french).ids
    typed = translator.source.encode(">>fra<< ab")  # what a user types is text
    assert code not in typed


def test_nllb_names_the_source_before_the_text_and_the_target_first(tmp_path):
    codes = ["deu_Latn", "eng_Latn", "zho_Hans", "zho_Hant"]
    translator = lingon.load(fairseq(tmp_path, "m2m_100", codes))
    first = 4 + len(LETTERS)
    with pytest.raises(UserError, match="name the target language with --target-lang"):
        translated(translator)
    told = translator.with_languages("eng_Latn", "deu")  # the code before "_" is enough where one begins so
    assert told.source.encode("a") == [first + 1, 4, 2]
    assert told.prefix_ids == (first,)
    assert told.prompt() == (2, first)
    assert translated(told).ids
    for source, target, why in (
        ("eng_Latn", "zho", "unknown language of the target 'zho'; known: zho_Hans, zho_Hant"),
        ("en", "deu_Latn", r"unknown language of the source 'en'; known: eng_Latn$"),
        ("eng_Latn", "deu_Latin", r"unknown language of the target 'deu_Latin'; did you mean 'deu_Latn'\?$"),
        ("qq", "deu_Latn", "unknown language of the source 'qq'; known: deu_Latn, eng_Latn, zho_Hans, zho_Hant$"),
        (None, "deu_Latn", r"knows 4 languages .*; name the source language with --source-lang"),
    ):
        with pytest.raises(UserError, match=why):
            translator.with_languages(source, target)


def test_m2m100_has_a_vocabulary_beside_its_model(tmp_path):
    codes = ["__de__", "__en__"]
    weights(tmp_path, BART, model_type="m2m_100", vocab_size=40)
    write_model(tmp_path / "sentencepiece.bpe.model", LETTERS)
    vocab = ["<s>", "<pad>", "</s>", "<unk>", *NAMES]
    (tmp_path / "vocab.json").write_text(json.dumps({name: i for i, name in enumerate(vocab)}))
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"additional_special_tokens": codes, "src_lang": "en", "tgt_lang": "de"})
    )
    translator = lingon.load(tmp_path)
    assert translator.source.encode("a") == [len(vocab) + 1, 4, 2]
    assert translator.prefix_ids == (len(vocab),)
    assert translated(translator).ids


def test_mbart_begins_with_the_language_and_mbart_50_says_it_first(tmp_path):
    few, many = (["de_DE", "en_XX"], [f"{a}{b}_{a.upper()}X" for a in "abcdef" for b in "ghijkl"])
    old = lingon.load(fairseq(tmp_path / "a", "mbart", few)).with_languages("en_XX", "de_DE")
    first = 4 + len(LETTERS)
    assert old.source.encode("a") == [4, 2, first + 1]
    assert (old.prompt(), old.prefix_ids) == ((first,), ())
    back = old.with_languages("de_DE", "en_XX")
    assert (back.prompt(), old.prompt()) == ((first + 1,), (first,))  # the first keeps its language
    new = lingon.load(fairseq(tmp_path / "b", "mbart", many)).with_languages(many[3], many[7])
    assert new.source.encode("a") == [first + 3, 4, 2]
    assert new.prompt() == (2, first + 7)
    assert translated(old).ids
    assert translated(new).ids


def t5(folder):
    weights(folder, T5)
    write_model(folder / "spiece.model", LETTERS, first=[*T5_FIRST, ("<unk>", 0.0, 2)])
    (folder / "tokenizer_config.json").write_text(json.dumps({"extra_ids": 7}))
    return folder


def m2m100(folder):
    weights(folder, BART, model_type="m2m_100", vocab_size=40)
    write_model(folder / "sentencepiece.bpe.model", LETTERS)
    vocab = ["<s>", "<pad>", "</s>", "<unk>", *NAMES[:-1]]  # the last piece is no token
    (folder / "vocab.json").write_text(json.dumps({name: i for i, name in enumerate(vocab)}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"additional_special_tokens": ["__de__", "__en__"]}))
    return folder


FAMILIES = {
    "marian": (marian, None, {"source.spm", "target.spm", "vocab.json"}),
    "m2m100": (m2m100, ("en", "de"), {"sentencepiece.bpe.model", "vocab.json"}),
    "nllb": (
        lambda folder: fairseq(folder, "m2m_100", ["deu_Latn", "eng_Latn"]),
        ("eng_Latn", "deu_Latn"),
        {"sentencepiece.bpe.model"},
    ),
    "mbart": (
        lambda folder: fairseq(folder, "mbart", ["de_DE", "en_XX"]),
        ("en_XX", "de_DE"),
        {"sentencepiece.bpe.model"},
    ),
    "t5": (t5, None, {"spiece.model"}),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_translator_is_saved_in_the_files_of_its_family(family, tmp_path):
    make, languages, files = FAMILIES[family]
    translator = lingon.load(make(tmp_path / "m"))
    if languages:
        translator = translator.with_languages(*languages)
    kind = translator.model.config()["model_type"]
    save_bundle(translator, kind, tmp_path / "bundle", {})  # whose tokenizers come from JSON
    saved = save_translator(lingon.load(tmp_path / "bundle"), tmp_path / "again")
    assert {path.name for path in saved.iterdir()} == files | {
        *("config.json", "generation_config.json", "model.safetensors", "tokenizer_config.json")
    }
    again = lingon.load(saved)
    texts = ["abc d", "h g", "h <unk> é", "  a  b"]
    assert again.source_ids(texts) == translator.source_ids(texts)
    assert (again.language_pair, again.generation) == (translator.language_pair, translator.generation)
    assert [one.row() for one in again.translate(texts, SEEN)] == [
        one.row() for one in translator.translate(texts, SEEN)
    ]
    for side in ("source", "target"):
        assert list(getattr(again, side).vocab) == list(getattr(translator, side).vocab)


def test_two_tokenizers_that_are_no_pieces_are_not_saved(tmp_path):
    weights(tmp_path / "m", BART, vocab_size=300)
    bpe(["ab abc d"] * 3, 290).save(tmp_path / "m" / "tokenizer.json")
    translator = lingon.load(tmp_path / "m")
    assert lingon.load(save_translator(translator, tmp_path / "same")).source_ids(["ab"]) == translator.source_ids(
        ["ab"]
    )
    translator.target = bpe(["cd cde f"] * 3, 290)
    with pytest.raises(UserError, match="sources and targets have two tokenizers, which are not SentencePiece models"):
        save_translator(translator, tmp_path / "two")
    assert not (tmp_path / "two").exists()


def test_t5_reads_its_pieces_and_a_prefix_before_each_source(tmp_path):
    weights(tmp_path, T5)
    write_model(tmp_path / "spiece.model", LETTERS, first=[*T5_FIRST, ("<unk>", 0.0, 2)])
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"extra_ids": 7}))
    translator = lingon.load(tmp_path)
    assert translator.source.encode("a") == [3, 1]
    assert translator.source.library.token_to_id("<extra_id_0>") == 3 + len(LETTERS) + 6
    prefixed = translated(translator, "b c", TranslationParams(beams=2, max_new_tokens=5, source_prefix="ab "))
    assert prefixed.ids == translated(translator, "ab b c").ids
    assert prefixed.source == "b c"
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"extra_ids": -1}))
    with pytest.raises(DataError, match="key 'extra_ids' is -1, expected a number from 0"):
        lingon.load(tmp_path)


def test_bart_writes_its_forced_token_first(tmp_path):
    weights(tmp_path, BART, vocab_size=300, forced_bos_token_id=0)
    bpe(["ab abc d"] * 3, 290).save(tmp_path / "tokenizer.json")
    translator = lingon.load(tmp_path)
    assert translator.prompt() == (2, 0)
    assert translated(translator).ids


@pytest.mark.parametrize(
    ("gone", "why"),
    [
        (["source.spm"], "there is no source.spm, which the tokenizer needs"),
        (["target.spm"], "there is no target.spm, which the tokenizer needs"),
        (["vocab.json"], "there is no vocab.json, which the tokenizer needs"),
        (
            ["source.spm", "target.spm", "vocab.json"],
            r"no tokenizer next to the weights \(tokenizer.json, or source.spm",
        ),
    ],
)
def test_files_that_are_missing_are_named(gone, why, tmp_path):
    folder = marian(tmp_path)
    for name in gone:
        (folder / name).unlink()
    with pytest.raises(DataError, match=why):
        lingon.load(folder)


@pytest.mark.parametrize(
    ("vocab", "why"),
    [
        ({"</s>": 0, "<unk>": 2}, "gives each token its id: 0, 1, 2, ... without gaps"),
        (["</s>"], "gives each token its id"),
        (
            {f"t{i}": i for i in range(90)},
            "90 tokens, the model has 89 rows; they do not belong to the same checkpoint",
        ),
        ({"</s>": 0, "a": 1}, "'<unk>' for unknown text is not in the vocabulary"),
        ({"a": 0, "<unk>": 1}, "the vocabulary has no </s>"),
    ],
)
def test_vocabularies_that_do_not_fit_are_named(vocab, why, tmp_path):
    folder = marian(tmp_path)
    (folder / "vocab.json").write_text(json.dumps(vocab))
    with pytest.raises(DataError, match=why):
        lingon.load(folder)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"decoder_start_token_id": 99}, r"key 'decoder_start_token_id' is \[99\], expected ids from 0 to 88"),
        ({"forced_bos_token_id": "a"}, "key 'forced_bos_token_id'"),
        ({"bad_words_ids": 7}, "key 'bad_words_ids' is 7, expected a list of lists of ids"),
        ({"bad_words_ids": [["a"]]}, "key 'bad_words_ids'"),
        ({"num_beams": 0}, "settings of translation: beams is 0"),
        ({"num_beams": "4"}, "key 'num_beams' is '4', expected a whole number"),
        ({"length_penalty": -51}, "length_penalty is -51, expected a number from -50 to 50"),
        ({"repetition_penalty": 0}, "repetition_penalty is 0, expected a number over 0"),
        ({"bad_words_ids": [[3, 89]]}, r"key 'bad_words_ids' is \[3, 89\], expected ids from 0 to 88"),
        ({"length_penalty": True}, "key 'length_penalty' is 'True', expected a number"),
        ({"early_stopping": 3}, "key 'early_stopping' is '3', expected true, false or \"never\""),
        ({"forced_eos_token_id": 99}, r"key 'forced_eos_token_id' has 99, expected ids from 0 to 88"),
        ({"max_length": 1}, "max_length is 1, expected 2 to"),
    ],
)
def test_settings_of_writing_are_checked(settings, why, tmp_path):
    folder = marian(tmp_path)
    (folder / "generation_config.json").write_text(json.dumps(settings))
    with pytest.raises(DataError, match=why):
        lingon.load(folder)


def test_the_command_says_one_line_and_ends_with_2(tmp_path, monkeypatch):
    codes = ["deu_Latn", "eng_Latn", "fra_Latn"]
    folder = fairseq(tmp_path / "nllb", "m2m_100", codes)
    run = lambda *given: CliRunner().invoke(app, ["translate", *given])
    done = run(str(folder), "ab c", "--source-lang", "eng_Latn", "--target-lang", "fra_Latn", "--max-new-tokens", "4")
    assert done.exit_code == 0, done.output
    for given, why in (
        ([str(folder), "ab"], "knows 3 languages"),
        (
            [str(folder), "ab", "--source-lang", "eng_Latn", "--target-lang", "fr"],
            "unknown language of the target 'fr'",
        ),
        ([str(tmp_path / "none"), "ab"], "there is no folder"),
    ):
        failed = run(*given)
        assert isinstance(failed.exception, UserError | SystemExit), failed.exception
        assert why in f"{failed.output}{failed.exception}".replace("\n", " ")

    def no_network(*given, **more):
        raise OSError("no route to host")

    hub = pytest.importorskip("huggingface_hub", reason="names of the hub are fetched by huggingface_hub")
    monkeypatch.setattr(hub, "snapshot_download", no_network)
    with pytest.raises(UserError, match=r"could not be fetched from the hub \(no route to host\)"):
        lingon.load("hf:Helsinki-NLP/opus-mt-en-de")
