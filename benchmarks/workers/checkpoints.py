"""transformers: makes checkpoints from configurations, and says what it computes from a folder or a GGUF file."""

import json
from pathlib import Path

import torch
from serve import serve
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(1)


def make(config, folder, seed=0, shard="10GB", dtype="float32"):
    """Saves a model of this config.json with random weights of a type."""
    kind = AutoConfig.for_model(**config)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(kind)
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.25)
    model.to(getattr(torch, dtype)).save_pretrained(folder, max_shard_size=shard)


def make_encoder(config, folder, head="AutoModel", seed=0, shard="10GB"):
    """Saves an encoder of this config.json with random weights, alone or with a head: one of the library's classes."""
    import transformers

    torch.manual_seed(seed)
    model = getattr(transformers, head).from_config(AutoConfig.for_model(**config))
    for p in model.parameters():
        torch.nn.init.normal_(p.data, std=0.25)
    model.save_pretrained(folder, max_shard_size=shard)


def hidden(folder, ids, mask, types=None):
    """Hidden states of the last layer of an encoder, [B][T][D]."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    more = {} if types is None else {"token_type_ids": torch.tensor(types)}
    with torch.no_grad():
        found = model(input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask).long(), **more)
    return {"hidden": found.last_hidden_state.tolist()}


def encode_pairs(folder, texts, most):
    """Ids and token types of pairs of texts given in a JSON file, of at most so many tokens."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    first, second = _read(texts)
    found = tokenizer(first, second, truncation="longest_first", max_length=most, return_token_type_ids=True)
    return {"ids": found["input_ids"], "types": found["token_type_ids"]}


def encoder_tokenizer(kind, folder, texts, size):
    """Trains a tokenizer of one of the library's classes of encoders on texts given in a JSON file, and saves it."""
    import transformers

    made = getattr(transformers, kind)
    made().train_new_from_iterator(_read(texts), size).save_pretrained(folder)


def logits(folder, ids, gguf=None, every=1):
    """Logits of each token, [B][T][V], of every so many tokens of the vocabulary."""
    model = _model(folder, gguf)
    with torch.no_grad():
        return {"logits": model(torch.tensor(ids)).logits[..., ::every].tolist()}


def greedy(folder, ids, tokens, gguf=None):
    """The likeliest ids after those of one text."""
    model = _model(folder, gguf)
    out = model.generate(torch.tensor([ids]), max_new_tokens=tokens, do_sample=False)
    return {"ids": out[0, len(ids) :].tolist()}


def encode(folder, texts, gguf=None):
    """Ids of texts given in a JSON file, as the tokenizer of a folder or of a GGUF file in it makes them."""
    tokenizer = AutoTokenizer.from_pretrained(folder, **_of(gguf))
    rows = tokenizer(_read(texts))["input_ids"]
    return {"ids": rows, "kind": type(tokenizer).__name__}


def answer_masks(folder, chats):
    """Ids of conversations given in a JSON file, and which of them the assistant says, by the chat template."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    how = {"tokenize": True, "return_dict": True, "return_assistant_tokens_mask": True}
    found = [tokenizer.apply_chat_template(messages, **how) for messages in _read(chats)]
    return {"ids": [row["input_ids"] for row in found], "masks": [row["assistant_masks"] for row in found]}


def prompt_ids(folder, chats):
    """Ids of conversations given in a JSON file up to where the assistant answers."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    how = {"tokenize": True, "return_dict": True, "add_generation_prompt": True}
    return {"ids": [tokenizer.apply_chat_template(messages, **how)["input_ids"] for messages in _read(chats)]}


def tokenizer(kind, folder, vocab, merges):
    """Saves a tokenizer of one of the library's classes."""
    import transformers

    merges = [tuple(pair) for pair in merges]
    getattr(transformers, kind)(vocab=vocab, merges=merges).save_pretrained(folder)


def merges(vocab, scores):
    """The pairs of a SentencePiece model, in the order in which the library has them joined."""
    from transformers.tokenization_utils_base import generate_merges

    return {"merges": generate_merges(vocab, scores)}


def blocks(kind, raw):
    """The numbers in blocks, given in hex, as the gguf package makes them."""
    import gguf
    import numpy

    data = numpy.frombuffer(bytes.fromhex(raw), numpy.uint8)
    return {"numbers": gguf.quants.dequantize(data, gguf.GGMLQuantizationType[kind]).reshape(-1).tolist()}


def pieces(folder, texts, options):
    """Trains SentencePiece on texts given in a JSON file; its pieces with scores and kinds, as GGUF numbers them."""
    import sentencepiece

    home = Path(folder)
    (home / "texts.txt").write_text("\n".join(text.replace("\n", " ") for text in _read(texts)), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(home / "texts.txt"), model_prefix=str(home / "spm"), minloglevel=2, num_threads=1, **options
    )
    model = sentencepiece.SentencePieceProcessor(model_file=str(home / "spm.model"))
    ids = range(model.get_piece_size())
    # Those that are defined by the user stand in no test of the library, but never have a score of a pair.
    own = set(options.get("user_defined_symbols", []))
    kinds = [2 if model.is_unknown(i) else 3 if model.is_control(i) else 6 if model.is_byte(i) else 1 for i in ids]
    named = [model.id_to_piece(i) for i in ids]
    kinds = [4 if name in own else kind for name, kind in zip(named, kinds, strict=True)]
    return {"tokens": named, "scores": [model.get_score(i) for i in ids], "kinds": kinds}


def piece_ids(folder, texts):
    """Ids of texts by the SentencePiece model that `pieces` has trained in this folder."""
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_file=str(Path(folder) / "spm.model"))
    return {"ids": [model.encode(text) for text in _read(texts)]}


def gguf_file(path):
    """What the reader of the gguf package finds: values by key, and of tensors type, shape and numbers."""
    import gguf

    reader = gguf.GGUFReader(path)
    values = {name: field.contents() for name, field in reader.fields.items()}
    tensors = {}
    for found in reader.tensors:
        numbers = gguf.quants.dequantize(found.data, found.tensor_type).reshape(found.shape[::-1].tolist())
        tensors[found.name] = {"type": found.tensor_type.name, "numbers": numbers.tolist()}
    return {"values": values, "tensors": tensors}


def quantized(kind, numbers):
    """The bytes, in hex, that the gguf package stores rows of numbers in."""
    import gguf
    import numpy

    raw = gguf.quants.quantize(numpy.array(numbers, numpy.float32), gguf.GGMLQuantizationType[kind])
    return {"raw": raw.tobytes().hex()}


def cut(patterns, texts):
    """Words of texts: what a pattern matches, and what lies between, is cut by the next pattern."""
    import regex

    def words(text):
        found = [text]
        for pattern in map(regex.compile, patterns):
            found = [part for word in found for part in _parts(pattern, word)]
        return found

    return {"words": [words(text) for text in texts]}


def _parts(pattern, text):
    start = 0
    for match in pattern.finditer(text):
        if match.start() > start:
            yield text[start : match.start()]
        if match.group():
            yield match.group()
        start = match.end()
    if start < len(text):
        yield text[start:]


def _model(folder, gguf):
    # The kind of attention that keeps to every key, such as caps on scores.
    options = {"dtype": torch.float32, "attn_implementation": "eager"} | _of(gguf)
    return AutoModelForCausalLM.from_pretrained(folder, **options).eval()


def _of(gguf):
    return {"gguf_file": gguf} if gguf else {}


def _read(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


OWN = (make, make_encoder, logits, hidden, greedy, encode, encode_pairs, tokenizer, encoder_tokenizer, merges, blocks)
serve(**{f.__name__: f for f in (*OWN, cut, gguf_file, quantized, pieces, piece_ids, answer_masks, prompt_ids)})
