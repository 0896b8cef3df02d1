"""transformers: makes encoders with random weights and small tokenizers of their kinds, and says what it computes."""

import json
from pathlib import Path

import tokenizers
import torch
import transformers
from serve import serve
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

torch.set_num_threads(1)
SOME = 500  # texts that are enough for a small tokenizer
CLS, SEP, PAD, MASK, UNK = "[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]"


def make(config, folder, head="AutoModel", dtype="float32", seed=0):
    """Saves an encoder of this config.json with random weights of a type, in a model class of the library."""
    torch.manual_seed(seed)
    kind = transformers.AutoConfig.for_model(**config)
    model = transformers.AutoModel.from_config(kind) if head == "AutoModel" else getattr(transformers, head)(kind)
    for name, p in model.named_parameters():
        torch.nn.init.normal_(p.data, std=0.25)
        if "norm" in name.lower() and name.endswith("weight"):
            p.data += 1.0  # near what training makes of them, so that the layers before count
    model.to(getattr(torch, dtype)).save_pretrained(folder)


def hidden(folder, cases):
    """The hidden states [B][T][D] of each case of ids, mask and token types, and weights that did not fit."""
    model, info = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    with torch.no_grad():
        found = [model.eval()(**{key: torch.tensor(rows) for key, rows in case.items()})[0].tolist() for case in cases]
    return {"hidden": found, **{key: sorted(info[key]) for key in ("missing_keys", "unexpected_keys")}}


def layers(folder, ids):
    """The hidden states [L + 1][B][T][D] and the attention weights [L][B][H][T][T] of rows of ids without padding."""
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        found = model(input_ids=torch.tensor(ids), output_hidden_states=True, output_attentions=True)
    return {name: [layer.tolist() for layer in found[name]] for name in ("hidden_states", "attentions")}


def tokenizer(kind, folder, texts):
    """Trains a small tokenizer of a family on texts of a JSON file and saves it as tokenizer.json."""
    found = {"albert": _albert, "deberta": _deberta, "mpnet": _mpnet, "modernbert": _modernbert}[kind](folder, texts)
    found.save(str(Path(folder) / "tokenizer.json"))


def encode(folder, texts):
    """Ids of texts and of pairs of neighbours with their types, as the tokenizer.json of a folder makes them."""
    found, rows = (
        transformers.PreTrainedTokenizerFast(tokenizer_file=str(Path(folder) / "tokenizer.json")),
        _read(texts),
    )
    pairs = found(rows[::2], rows[1::2], return_token_type_ids=True)
    return {"ids": found(rows)["input_ids"], "pairs": pairs["input_ids"], "types": pairs["token_type_ids"]}


def _albert(folder, texts):
    pieces, charsmap, unk = _sentencepiece(folder, texts, ["[CLS]", "[SEP]", "[MASK]"], "<unk>", "<pad>")
    steps = [normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD()]
    steps += [normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Precompiled(charsmap)]
    steps.append(normalizers.Replace(tokenizers.Regex(" {2,}"), " "))
    space = pre_tokenizers.Metaspace(prepend_scheme="always")
    words = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), space])
    return _unigram(pieces, unk, normalizers.Sequence(steps), words, [CLS, SEP, MASK, "<unk>", "<pad>"])


def _deberta(folder, texts):
    pieces, charsmap, unk = _sentencepiece(folder, texts, ["[CLS]", "[SEP]"], UNK, PAD)
    steps = [normalizers.Strip(), normalizers.Precompiled(charsmap)]
    steps.append(normalizers.Replace(tokenizers.Regex(" {2,}"), " "))
    space = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(prepend_scheme="always")])
    return _unigram(pieces, unk, normalizers.Sequence(steps), space, [CLS, SEP, UNK, PAD, MASK])


def _unigram(pieces, unk, normalizer, pre_tokenizer, special):
    found = tokenizers.Tokenizer(models.Unigram(pieces, unk_id=unk, byte_fallback=False))
    found.normalizer, found.pre_tokenizer = normalizer, pre_tokenizer
    found.decoder = decoders.Metaspace(prepend_scheme="always")
    found.add_special_tokens(special)
    return _with_bert_template(found)


def _mpnet(folder, texts):
    found = tokenizers.Tokenizer(models.WordPiece(unk_token=UNK))
    found.normalizer, found.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    found.decoder = decoders.WordPiece()
    special = ["<s>", "<pad>", "</s>", UNK]
    found.train_from_iterator(_read(texts)[:SOME], trainers.WordPieceTrainer(vocab_size=500, special_tokens=special))
    found.add_special_tokens([tokenizers.AddedToken("<mask>", lstrip=True)])
    found.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), True, False)
    return found


def _modernbert(folder, texts):
    found = tokenizers.Tokenizer(models.BPE())
    found.normalizer, found.decoder = normalizers.NFC(), decoders.ByteLevel()
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    found.train_from_iterator(_read(texts)[:SOME], trainers.BpeTrainer(vocab_size=500, initial_alphabet=alphabet))
    # Runs of spaces are tokens of their own there.
    found.add_tokens([tokenizers.AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
    found.add_special_tokens([UNK, CLS, SEP, PAD, tokenizers.AddedToken(MASK, lstrip=True)])
    return _with_bert_template(found)


def _with_bert_template(found):
    found.post_processor = processors.TemplateProcessing(
        single=f"{CLS}:0 $A:0 {SEP}:0",
        pair=f"{CLS}:0 $A:0 {SEP}:0 $B:1 {SEP}:1",
        special_tokens=[(name, found.token_to_id(name)) for name in (CLS, SEP)],
    )
    return found


def _sentencepiece(folder, texts, control, unk, pad):
    """Pieces with scores, the table that puts characters in their form, and the id of the unknown piece."""
    import sentencepiece

    home = Path(folder)
    (home / "texts.txt").write_text(
        "\n".join(text.replace("\n", " ") for text in _read(texts)[:SOME]), encoding="utf-8"
    )
    options = {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "unk_piece": unk, "pad_piece": pad}
    sentencepiece.SentencePieceTrainer.train(
        input=str(home / "texts.txt"),
        model_prefix=str(home / "spm"),
        vocab_size=500,
        minloglevel=2,
        num_threads=1,
        control_symbols=control,
        **options,
    )
    model = sentencepiece.SentencePieceProcessor(model_file=str(home / "spm.model"))
    pieces = [(model.id_to_piece(i), model.get_score(i)) for i in range(model.get_piece_size())]
    normalizer_spec = _field((home / "spm.model").read_bytes(), 3)
    return pieces, _field(normalizer_spec, 2), 1


def _field(message, wanted):
    """The bytes of a field of a message in the format of Protocol Buffers."""
    at, found = 0, b""
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == 2:
            size, at = _varint(message, at)
            found, at = (message[at : at + size] if number == wanted else found), at + size
        elif kind == 0:
            _, at = _varint(message, at)
        else:
            at += {1: 8, 5: 4}[kind]
    return found


def _varint(message, at):
    value = shift = 0
    while True:
        byte = message[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def _read(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


serve(make=make, hidden=hidden, layers=layers, tokenizer=tokenizer, encode=encode)
