"""Models of SentencePiece against the library itself, and tokenizers of encoder-decoders against transformers."""

import json
import math

import pytest

from lingon.data.tokenizers.language_codes import MBART, NLLB
from lingon.data.tokenizers.sentencepiece import sentencepiece_library
from lingon.data.tokenizers.sentencepiece_model import read_sentencepiece
from lingon.data.tokenizers.sentencepiece_save import sentencepiece_of, write_sentencepiece
from lingon.data.tokenizers.seq2seq_files import Rows, read_pair
from lingon.data.tokenizers.seq2seq_save import FIRST, write_pair
from lingon.data.tokenizers.tokenizer import Tokenizer
from tests.checkpoints.conftest import strings, worker_of

pytestmark = [pytest.mark.long, pytest.mark.data, pytest.mark.xdist_group("seq2seq_peer")]
IDENTITY = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False}
MODELS = {
    "unigram": {},
    "unigram, as T5": {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1},
    "unigram, bytes": {"byte_fallback": True, "character_coverage": 0.99},
    "unigram, as it is": IDENTITY,
    "unigram, small letters": {"normalization_rule_name": "nmt_nfkc_cf", "add_dummy_prefix": False},
    "unigram, over spaces": {"split_by_whitespace": False},
    "bpe": {"model_type": "bpe"},
    "bpe, NFKC": {"model_type": "bpe", "normalization_rule_name": "nfkc", "split_digits": True},
    "bpe, bytes": {"model_type": "bpe", "byte_fallback": True, **IDENTITY},
}


@pytest.fixture(scope="module")
def peer():
    """transformers, with sentencepiece."""
    yield from worker_of("seq2seq", "transformers")


def train(peer, folder, name, texts, size=2000, **options):
    asked = {"folder": str(folder), "name": name, "texts": str(texts)}
    peer.ask("pieces", asked | {"options": {"vocab_size": size, **options}})
    return folder / name


def assert_same(ours, theirs, texts, scores):
    """Assert equal ids, or pieces that are as likely together: SentencePiece adds their scores in float32."""
    given = json.loads(texts.read_text(encoding="utf-8"))
    assert len(given) == len(ours) == len(theirs) == 10_000
    wrong = [case for case in zip(given, ours, theirs, strict=True) if case[1] != case[2]]
    for text, own, wanted in wrong:
        sums = [math.fsum(scores[i] for i in ids) for ids in (own, wanted)]
        assert math.isclose(*sums, rel_tol=1e-5), (text, own, wanted)
    assert len(wrong) <= 5, wrong[:3]


@pytest.mark.parametrize("kind", MODELS)
def test_ids_and_texts_are_those_of_sentencepiece(kind, peer, texts, tmp_path):
    path = train(peer, tmp_path, "a.spm", texts, **MODELS[kind])
    theirs = peer.ask("piece_ids", {"path": str(path), "texts": str(texts)})
    tokenizer = Tokenizer(sentencepiece_library(read_sentencepiece(path)), path)
    given = json.loads(texts.read_text(encoding="utf-8"))
    assert_same(tokenizer.encode_batch(given), theirs["ids"], texts, theirs["scores"])
    tokenizer.save(tmp_path / "tokenizer.json")
    assert Tokenizer.load(tmp_path / "tokenizer.json").encode_batch(given[:500]) == tokenizer.encode_batch(given[:500])
    for ids, text in zip(theirs["ids"], theirs["texts"], strict=True):
        if "\u2047" not in text and not text.startswith("\u2581"):  # what is unknown, and its own mark that was typed
            assert tokenizer.decode(ids).strip(" ") == text.strip(" ")


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_pieces_of_marian_and_m2m100_have_ids_of_their_own(kind, peer, texts, tmp_path):
    for name, size in (("source.spm", 1500), ("target.spm", 1100)):
        train(peer, tmp_path, name, texts, size, model_type=kind)
    models = {name: read_sentencepiece(tmp_path / f"{name}.spm") for name in ("source", "target")}
    names = sorted({p.text for m in models.values() for p in m.pieces if p.text != "<s>"} - {"</s>", "<unk>"})
    # Some pieces are in no data that the vocabulary was made of.
    vocab = {name: i for i, name in enumerate(["</s>", "<unk>", *names[::-1][: len(names) - 9], "<pad>"])}
    (tmp_path / "vocab.json").write_text(json.dumps(vocab))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"separate_vocabs": False}))
    source, target = read_pair(tmp_path, "marian_tokenizers", Rows(len(vocab), len(vocab)))
    given = json.loads(texts.read_text(encoding="utf-8"))
    asked = {"folder": str(tmp_path), "texts": str(texts), "options": {}}
    theirs = peer.ask("tokenizer", asked | {"kind": "MarianTokenizer"})
    ours = source.encode_batch(given)
    # What transformers makes of text after ">>" is a code of a language, here it stays text; a run of unknown letters
    # that the other language has is unknown there.
    wrong = [t for t, a, b in zip(given, ours, theirs["ids"], strict=True) if a != b and not t.startswith(">>")]
    assert len(wrong) <= 30, (len(wrong), wrong[:5])
    written = [target.decode([i for i in ids if i not in (0, 1, vocab["<pad>"])]) for ids in theirs["ids"][:500]]
    wrong = [(a, b) for a, b in zip(written, theirs["texts"], strict=True) if a.strip() != b.strip()]
    assert len(wrong) <= 5, (len(wrong), wrong[:4])
    # M2M100: one model, the codes of languages behind the vocabulary, and two tokens more around a text.
    (tmp_path / "source.spm").rename(tmp_path / "sentencepiece.bpe.model")
    vocab = {name: i for i, name in enumerate(["<s>", "<pad>", "</s>", "<unk>", *names[: len(names) - 9]])}
    (tmp_path / "vocab.json").write_text(json.dumps(vocab))
    both, _ = read_pair(tmp_path, "m2m_100_tokenizers", Rows(len(vocab) + 108, len(vocab) + 108))
    found = peer.ask("tokenizer", asked | {"kind": "M2M100Tokenizer", "options": {"src_lang": "fr"}})
    ours = both.with_template("__fr__ $A </s>", "__fr__ $A $B:1 </s>:1").encode_batch(given)
    wrong = [t for t, a, b in zip(given, ours, found["ids"], strict=True) if a != b]
    assert len(wrong) <= 30, (len(wrong), wrong[:5])


def test_tokens_of_fairseq_are_moved_by_one(peer, texts, tmp_path):
    """mBART and NLLB: ids of SentencePiece and one, and codes of languages behind them."""
    given = json.loads(texts.read_text(encoding="utf-8"))
    for family, kind, codes in (("mbart", "unigram", MBART), ("m2m_100", "bpe", NLLB)):
        home = tmp_path / family
        home.mkdir()
        path = train(peer, home, "sentencepiece.bpe.model", texts, model_type=kind)
        theirs = peer.ask("piece_ids", {"path": str(path), "texts": str(texts)})
        rows = 2000 + 1 + len(codes) + 1
        both, _ = read_pair(home, f"{family}_tokenizers", Rows(rows, rows))
        wanted = [[3 if i == 0 else i + 1 for i in ids] + [2] for ids in theirs["ids"]]
        assert_same(both.encode_batch(given), wanted, texts, [0.0, 0.0, *theirs["scores"]])
        assert both.library.token_to_id(codes[0]) == 2001
        assert both.library.token_to_id("<mask>") == rows - 1


def test_spans_of_t5_stand_behind_its_pieces(peer, texts, tmp_path):
    path = train(peer, tmp_path, "spiece.model", texts, **MODELS["unigram, as T5"])
    theirs = peer.ask("piece_ids", {"path": str(path), "texts": str(texts)})
    both, _ = read_pair(tmp_path, "t5_tokenizers", Rows(2112, 2112))
    given = json.loads(texts.read_text(encoding="utf-8"))
    assert_same(both.encode_batch(given), [[*ids, 1] for ids in theirs["ids"]], texts, theirs["scores"])
    assert both.library.token_to_id("<extra_id_0>") == 2099
    assert both.library.token_to_id("<extra_id_99>") == 2000


@pytest.mark.parametrize("kind", [kind for kind in MODELS if kind.startswith("bpe")])
def test_a_model_that_merges_and_is_written_again_is_the_same_to_sentencepiece(kind, peer, texts, tmp_path):
    path = train(peer, tmp_path, "a.spm", texts, **MODELS[kind])
    library = sentencepiece_library(read_sentencepiece(path))
    write_sentencepiece(sentencepiece_of(Tokenizer(library, path), FIRST), tmp_path / "b.spm")
    asked = [{"path": str(tmp_path / name), "texts": str(texts)} for name in ("a.spm", "b.spm")]
    before, after = (peer.ask("piece_ids", each) for each in asked)
    assert len(before["ids"]) == 10_000
    assert (before["ids"], before["texts"]) == (after["ids"], after["texts"])


@pytest.mark.parametrize("squeezed", [True, False])
def test_nllb_reads_double_spaces_as_sentencepiece_and_is_written_again(squeezed, peer, tmp_path):
    """Spaces at both ends and in a row, tabs and lines, real sentences with every space doubled."""
    real = strings(4_000)
    given = [*real, *(text.replace(" ", "  ") for text in real), *(f"  {t}\t \n" for t in real[:1_000])]
    given += ["  ".join("ab" * n) + " " * m for n in range(20) for m in range(50)]
    given = given[:10_000]
    path = tmp_path / "texts.json"
    path.write_text(json.dumps(given), encoding="utf-8")
    options = {"model_type": "bpe", "remove_extra_whitespaces": squeezed}
    model = train(peer, tmp_path, "sentencepiece.bpe.model", path, **options)
    asked = {"path": str(model), "texts": str(path)}
    theirs = peer.ask("piece_ids", asked)
    rows = Rows(*[2000 + 1 + len(NLLB) + 1] * 2)
    both, _ = read_pair(tmp_path, "m2m_100_tokenizers", rows)
    wanted = [[3 if i == 0 else i + 1 for i in ids] + [2] for ids in theirs["ids"]]
    assert_same(both.encode_batch(given), wanted, path, [0.0, 0.0, *theirs["scores"]])
    saved = tmp_path / "saved"
    saved.mkdir()
    write_pair(saved, "m2m_100_tokenizers", both, both, {}, ("eng_Latn", "deu_Latn"))
    again = peer.ask("piece_ids", asked | {"path": str(saved / "sentencepiece.bpe.model")})
    assert again["ids"] == theirs["ids"]
    assert read_pair(saved, "m2m_100_tokenizers", rows)[0].encode_batch(given) == both.encode_batch(given)
